// thumbnails: N frames as PNG pictures.
#include <algorithm>
#include <cstdio>
#include <memory>
#include <stdexcept>

#include <flame/plugin.hpp>

#include "plugins/video/source.hpp"
#include "plugins/video/store.hpp"
#include "plugins/video/video.hpp"

namespace video {
namespace {

constexpr int kWidthDefault = 320;
constexpr int kWidthMin = 16;
constexpr int kWidthMax = 7680;  // 8K
constexpr int kCountMax = 1000;

void check(const Preview& preview) {
  if (preview.count < 1 || preview.count > kCountMax) {
    throw std::invalid_argument("count " + std::to_string(preview.count) + " is outside of 1 to 1000");
  }
  if (preview.width != 0 && (preview.width < kWidthMin || preview.width > kWidthMax)) {
    throw std::invalid_argument("width " + std::to_string(preview.width) + " is outside of 16 to 7680");
  }
}

av::Frame scale_to_rgb(const AVFrame& frame, int width) {
  av::Frame rgb = av::make_frame();
  rgb->format = AV_PIX_FMT_RGB24;
  rgb->width = width;
  rgb->height = std::max(1, static_cast<int>(static_cast<double>(frame.height) * width / frame.width + 0.5));
  av::check(av_frame_get_buffer(rgb.get(), 0), "picture buffer");
  const av::Scaler scaler(sws_getContext(frame.width, frame.height, static_cast<AVPixelFormat>(frame.format), width,
                                         rgb->height, AV_PIX_FMT_RGB24, SWS_BICUBIC, nullptr, nullptr, nullptr));
  if (scaler == nullptr) throw std::runtime_error("frames of this pixel format cannot be scaled");
  av::check(sws_scale(scaler.get(), frame.data, frame.linesize, 0, frame.height, rgb->data, rgb->linesize),
            "scaling failed");
  return rgb;
}

av::Packet encode_png(const AVFrame& rgb) {
  const AVCodec* codec = avcodec_find_encoder(AV_CODEC_ID_PNG);
  if (codec == nullptr) throw std::runtime_error("this build of libavcodec has no PNG encoder");
  const av::Codec encoder(av::allocated(avcodec_alloc_context3(codec)));
  encoder->width = rgb.width;
  encoder->height = rgb.height;
  encoder->pix_fmt = AV_PIX_FMT_RGB24;
  encoder->time_base = {1, 1};
  encoder->thread_count = 1;
  av::check(avcodec_open2(encoder.get(), codec, nullptr), "cannot open the PNG encoder");
  av::check(avcodec_send_frame(encoder.get(), &rgb), "encoding failed");
  av::check(avcodec_send_frame(encoder.get(), nullptr), "encoding failed");
  av::Packet packet = av::make_packet();
  av::check(avcodec_receive_packet(encoder.get(), packet.get()), "encoding failed");
  return packet;
}

void write_file(const std::string& path, const AVPacket& packet) {
  PendingFile pending(path);
  {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(pending.temporary().c_str(), "wb"),
                                                               &std::fclose);
    const auto size = static_cast<std::size_t>(packet.size);
    if (file == nullptr || std::fwrite(packet.data, 1, size, file.get()) != size || std::fflush(file.get()) != 0) {
      throw std::runtime_error("cannot write " + path);
    }
  }
  pending.keep();
}

}  // namespace

std::vector<std::string> thumbnails(flame::Context& context, Preview preview) {
  check(preview);
  Source source(preview.path);
  const std::string base = store_directory(preview.path, preview.store) + "/" + stem(preview.path) + "-";
  const int width = preview.width == 0 ? kWidthDefault : preview.width;
  std::vector<std::string> paths;
  for (int n = 0; n < preview.count; ++n) {
    if (context.stop_requested()) throw Stopped();
    const av::Frame frame = source.frame_at(source.seconds() * n / preview.count);
    if (frame == nullptr) throw NotAVideo(preview.path + " holds no frame that can be decoded");
    paths.push_back(base + std::to_string(n + 1) + ".png");
    write_file(paths.back(), *encode_png(*scale_to_rgb(*frame, width)));
    context.progress(static_cast<double>(n + 1) / preview.count);
  }
  return paths;
}

}  // namespace video
