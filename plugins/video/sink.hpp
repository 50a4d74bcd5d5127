// Writing an H.264 MP4: scales each frame, encodes it, and interleaves the copied audio packets.
#pragma once

#include <string>

#include "plugins/video/av.hpp"
#include "plugins/video/source.hpp"

namespace video {

/// An MP4 under construction. finish() makes it complete; without it the file is not a playable video.
class Sink {
 public:
  /// Throws std::runtime_error when the file cannot be created or no H.264 encoder exists.
  Sink(const std::string& path, const Source& source, int width, int height);
  ~Sink();
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;

  void write(const AVFrame& frame);
  void write_audio(AVPacket& packet);
  void finish();

 private:
  void add_video(const Source& source, int width, int height);
  void add_audio(const AVStream& source);
  void encode(const AVFrame* frame);

  AVFormatContext* output_ = nullptr;
  av::Codec encoder_;
  av::Scaler scaler_;
  av::Frame scaled_;
  AVRational source_time_base_;
  AVRational audio_time_base_{0, 1};
  AVStream* video_ = nullptr;
  AVStream* audio_ = nullptr;
  std::int64_t last_pts_ = AV_NOPTS_VALUE;
};

}  // namespace video
