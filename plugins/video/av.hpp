// Ownership and errors of libav's C objects: everything here frees itself, every failure is an exception.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/frame.h>
#include <libswscale/swscale.h>
}

namespace video {

/// The source holds no video that can be decoded.
class NotAVideo : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The task was asked to stop.
class Stopped : public std::runtime_error {
 public:
  Stopped() : std::runtime_error("stopped before the end of the video") {}
};

namespace av {

struct CloseInput {
  void operator()(AVFormatContext* p) const noexcept { avformat_close_input(&p); }
};
struct FreeCodec {
  void operator()(AVCodecContext* p) const noexcept { avcodec_free_context(&p); }
};
struct FreeFrame {
  void operator()(AVFrame* p) const noexcept { av_frame_free(&p); }
};
struct FreePacket {
  void operator()(AVPacket* p) const noexcept { av_packet_free(&p); }
};
struct FreeScaler {
  void operator()(SwsContext* p) const noexcept { sws_freeContext(p); }
};

using Input = std::unique_ptr<AVFormatContext, CloseInput>;
using Codec = std::unique_ptr<AVCodecContext, FreeCodec>;
using Frame = std::unique_ptr<AVFrame, FreeFrame>;
using Packet = std::unique_ptr<AVPacket, FreePacket>;
using Scaler = std::unique_ptr<SwsContext, FreeScaler>;

/// libav's own text for a negative return code.
std::string message(int code);

/// Throws std::runtime_error("<what>: <libav's text>") when `code` is negative; else returns it.
int check(int code, const std::string& what);

/// Throws std::bad_alloc when `pointer` is null.
template <class T>
T* allocated(T* pointer) {
  if (pointer == nullptr) throw std::bad_alloc();
  return pointer;
}

inline Frame make_frame() {
  return Frame(allocated(av_frame_alloc()));
}
inline Packet make_packet() {
  return Packet(allocated(av_packet_alloc()));
}

}  // namespace av
}  // namespace video
