// Reading video files with libav.
#include "plugins/video/source.hpp"

#include <algorithm>

namespace video {
namespace {

av::Input open_input(const std::string& path) {
  AVFormatContext* context = nullptr;
  const int opened = avformat_open_input(&context, path.c_str(), nullptr, nullptr);
  if (opened < 0) throw NotAVideo("cannot open " + path + " as a video: " + av::message(opened));
  av::Input input(context);
  const int probed = avformat_find_stream_info(context, nullptr);
  if (probed < 0) throw NotAVideo(path + " holds no readable stream: " + av::message(probed));
  return input;
}

av::Codec open_decoder(const AVStream& stream, const AVCodec* codec) {
  av::Codec decoder(av::allocated(avcodec_alloc_context3(codec)));
  av::check(avcodec_parameters_to_context(decoder.get(), stream.codecpar), "decoder parameters");
  decoder->pkt_timebase = stream.time_base;
  // The pool runs one call per slot and many slots per machine: more threads here would only compete.
  decoder->thread_count = 1;
  av::check(avcodec_open2(decoder.get(), codec, nullptr), "cannot open the decoder");
  return decoder;
}

}  // namespace

Source::Source(const std::string& path) : input_(open_input(path)) {
  const AVCodec* codec = nullptr;
  video_ = av_find_best_stream(input_.get(), AVMEDIA_TYPE_VIDEO, -1, -1, &codec, 0);
  if (video_ < 0 || codec == nullptr) throw NotAVideo(path + " holds no video stream that can be decoded");
  decoder_ = open_decoder(stream(), codec);
  if (decoder_->width <= 0 || decoder_->height <= 0) throw NotAVideo(path + " does not say how large its frames are");
  audio_ = av_find_best_stream(input_.get(), AVMEDIA_TYPE_AUDIO, -1, video_, nullptr, 0);
}

double Source::seconds() const {
  if (input_->duration > 0) return static_cast<double>(input_->duration) / AV_TIME_BASE;
  return stream().duration > 0 ? static_cast<double>(stream().duration) * av_q2d(stream().time_base) : 0.0;
}

AVRational Source::frame_rate() const {
  const AVRational rate = av_guess_frame_rate(input_.get(), input_->streams[video_], nullptr);
  return rate.num > 0 && rate.den > 0 ? rate : AVRational{25, 1};
}

const AVStream* Source::audio() const {
  return audio_ < 0 ? nullptr : input_->streams[audio_];
}

double Source::position(const AVFrame& frame) const {
  const std::int64_t start = stream().start_time == AV_NOPTS_VALUE ? 0 : stream().start_time;
  return static_cast<double>(frame.best_effort_timestamp - start) * av_q2d(stream().time_base);
}

bool Source::decode(const AVPacket* packet, AVFrame& frame, const OnFrame& on_frame) {
  const int sent = avcodec_send_packet(decoder_.get(), packet);
  // A damaged packet costs its frames, not the video.
  if (sent < 0 && sent != AVERROR_EOF && sent != AVERROR_INVALIDDATA) av::check(sent, "decoding failed");
  while (true) {
    const int got = avcodec_receive_frame(decoder_.get(), &frame);
    if (got == AVERROR(EAGAIN) || got == AVERROR_EOF) return true;
    if (got == AVERROR_INVALIDDATA) continue;
    av::check(got, "decoding failed");
    if (frame.best_effort_timestamp != AV_NOPTS_VALUE && !on_frame(frame)) return false;
    av_frame_unref(&frame);
  }
}

void Source::read(const OnFrame& on_frame, const OnPacket& on_audio) {
  av::Packet packet = av::make_packet();
  av::Frame frame = av::make_frame();
  while (av_read_frame(input_.get(), packet.get()) >= 0) {
    const bool more = packet->stream_index != video_ || decode(packet.get(), *frame, on_frame);
    if (packet->stream_index == audio_ && on_audio) on_audio(*packet);
    av_packet_unref(packet.get());
    if (!more) return;
  }
  decode(nullptr, *frame, on_frame);
}

av::Frame Source::frame_at(double seconds) {
  const std::int64_t target = static_cast<std::int64_t>(seconds * AV_TIME_BASE);
  const std::int64_t start = input_->start_time == AV_NOPTS_VALUE ? 0 : input_->start_time;
  av::check(av_seek_frame(input_.get(), -1, start + target, AVSEEK_FLAG_BACKWARD), "seeking failed");
  avcodec_flush_buffers(decoder_.get());
  av::Frame found;
  read(
      [&](AVFrame& frame) {
        found.reset(av::allocated(av_frame_clone(&frame)));
        return position(frame) < seconds;
      },
      {});
  return found;
}

}  // namespace video
