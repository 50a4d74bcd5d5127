// Reading a video file: its facts, its decoded frames in order, and the packets of its first audio track.
#pragma once

#include <functional>
#include <string>

#include "plugins/video/av.hpp"

namespace video {

/// An open video file. One reader at a time; not thread-safe.
class Source {
 public:
  /// Throws NotAVideo when the file cannot be opened or holds no video stream that can be decoded.
  explicit Source(const std::string& path);

  int width() const { return decoder_->width; }
  int height() const { return decoder_->height; }
  double seconds() const;
  AVRational frame_rate() const;
  AVRational time_base() const { return stream().time_base; }
  /// The first audio stream, or null.
  const AVStream* audio() const;

  using OnFrame = std::function<bool(AVFrame&)>;  ///< false ends the reading
  using OnPacket = std::function<void(AVPacket&)>;

  /// Decodes from the current position to the end. A frame is valid during its callback.
  void read(const OnFrame& on_frame, const OnPacket& on_audio);

  /// The first frame at or after `seconds`, or the last one before the end; null if there is none.
  av::Frame frame_at(double seconds);

  /// Position of `frame` in seconds from the start.
  double position(const AVFrame& frame) const;

 private:
  const AVStream& stream() const { return *input_->streams[video_]; }
  bool decode(const AVPacket* packet, AVFrame& frame, const OnFrame& on_frame);

  av::Input input_;
  av::Codec decoder_;
  int video_ = -1;
  int audio_ = -1;
};

}  // namespace video
