// resize_quality: decode, scale, encode, store, record.
#include <algorithm>
#include <stdexcept>

#include <flame/plugin.hpp>

#include "plugins/video/record.hpp"
#include "plugins/video/sink.hpp"
#include "plugins/video/source.hpp"
#include "plugins/video/store.hpp"
#include "plugins/video/video.hpp"

namespace video {
namespace {

constexpr int kHeightDefault = 480;
constexpr int kHeightMin = 16;
constexpr int kHeightMax = 4320;  // 8K
constexpr double kProgressStep = 0.01;

int even(int value) {
  return std::max(2, value & ~1);
}

int target_height(std::int32_t asked) {
  const int height = asked == 0 ? kHeightDefault : asked;
  if (height < kHeightMin || height > kHeightMax) {
    throw std::invalid_argument("height " + std::to_string(height) + " is outside of 16 to 4320");
  }
  return even(height);
}

int target_width(const Source& source, int height) {
  return even(static_cast<int>(static_cast<double>(source.width()) * height / source.height() + 0.5));
}

// Reports each percent once, so that a long video costs a hundred messages and not one per frame.
class Progress {
 public:
  Progress(flame::Context& context, double seconds) : context_(context), seconds_(seconds) {}
  void at(double position) {
    const double fraction = seconds_ > 0 ? std::clamp(position / seconds_, 0.0, 1.0) : 0.0;
    if (fraction - last_ < kProgressStep) return;
    last_ = fraction;
    context_.progress(fraction);
  }

 private:
  flame::Context& context_;
  double seconds_;
  double last_ = 0;
};

void transcode(flame::Context& context, Source& source, Sink& sink) {
  Progress progress(context, source.seconds());
  bool any = false;
  source.read(
      [&](AVFrame& frame) {
        if (context.stop_requested()) throw Stopped();
        any = true;
        sink.write(frame);
        progress.at(source.position(frame));
        return true;
      },
      [&](AVPacket& packet) { sink.write_audio(packet); });
  if (!any) throw NotAVideo("the video holds no frame that can be decoded");
  sink.finish();
}

}  // namespace

Resized resize_quality(flame::Context& context, Video video) {
  const int height = target_height(video.height);
  Source source(video.path);
  const std::string store = store_directory(video.path, video.store);
  Resized result;
  result.path = store + "/" + stem(video.path) + "-" + std::to_string(height) + "p.mp4";
  result.seconds = source.seconds();
  result.height = height;
  result.width = target_width(source, height);
  PendingFile file(result.path);
  {
    Sink sink(file.temporary(), source, result.width, result.height);
    transcode(context, source, sink);
  }
  result.bytes = file.keep();
  record(store, video.path, result);
  context.progress(1.0);
  return result;
}

}  // namespace video
