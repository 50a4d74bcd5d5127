// Writing an H.264 MP4 with libav.
#include "plugins/video/sink.hpp"

extern "C" {
#include <libavutil/opt.h>
}

namespace video {
namespace {

constexpr const char* kQuality = "23";       // x264's own default: visually good at a fraction of the size
constexpr const char* kPreset = "veryfast";  // four times the speed of "medium" for about a tenth more bytes

const AVCodec* h264_encoder() {
  const AVCodec* codec = avcodec_find_encoder_by_name("libx264");
  if (codec == nullptr) codec = avcodec_find_encoder(AV_CODEC_ID_H264);
  if (codec == nullptr) throw std::runtime_error("this build of libavcodec has no H.264 encoder: install libx264");
  return codec;
}

}  // namespace

Sink::Sink(const std::string& path, const Source& source, int width, int height)
    : source_time_base_(source.time_base()) {
  av::check(avformat_alloc_output_context2(&output_, nullptr, "mp4", path.c_str()), "cannot write MP4");
  try {
    add_video(source, width, height);
    if (source.audio() != nullptr) add_audio(*source.audio());
    av::check(avio_open(&output_->pb, path.c_str(), AVIO_FLAG_WRITE), "cannot create " + path);
    av::check(avformat_write_header(output_, nullptr), "cannot start " + path);
  } catch (...) {
    avio_closep(&output_->pb);
    avformat_free_context(output_);
    throw;
  }
}

Sink::~Sink() {
  avio_closep(&output_->pb);
  avformat_free_context(output_);
}

void Sink::add_video(const Source& source, int width, int height) {
  const AVCodec* codec = h264_encoder();
  encoder_.reset(av::allocated(avcodec_alloc_context3(codec)));
  encoder_->width = width;
  encoder_->height = height;
  encoder_->pix_fmt = AV_PIX_FMT_YUV420P;
  encoder_->time_base = source_time_base_;
  encoder_->framerate = source.frame_rate();
  encoder_->thread_count = 1;
  if ((output_->oformat->flags & AVFMT_GLOBALHEADER) != 0) encoder_->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  av_opt_set(encoder_->priv_data, "preset", kPreset, 0);
  av_opt_set(encoder_->priv_data, "crf", kQuality, 0);
  av::check(avcodec_open2(encoder_.get(), codec, nullptr), "cannot open the H.264 encoder");
  video_ = av::allocated(avformat_new_stream(output_, nullptr));
  video_->time_base = encoder_->time_base;
  av::check(avcodec_parameters_from_context(video_->codecpar, encoder_.get()), "encoder parameters");
  scaled_ = av::make_frame();
  scaled_->format = encoder_->pix_fmt;
  scaled_->width = width;
  scaled_->height = height;
  av::check(av_frame_get_buffer(scaled_.get(), 0), "frame buffer");
}

void Sink::add_audio(const AVStream& source) {
  // MP4 cannot hold every codec; a video without sound is better than none.
  if (avformat_query_codec(output_->oformat, source.codecpar->codec_id, FF_COMPLIANCE_NORMAL) != 1) return;
  audio_ = av::allocated(avformat_new_stream(output_, nullptr));
  av::check(avcodec_parameters_copy(audio_->codecpar, source.codecpar), "audio parameters");
  audio_->codecpar->codec_tag = 0;
  audio_->time_base = source.time_base;
  audio_time_base_ = source.time_base;
}

void Sink::write(const AVFrame& frame) {
  scaler_.reset(sws_getCachedContext(scaler_.release(), frame.width, frame.height,
                                     static_cast<AVPixelFormat>(frame.format), encoder_->width, encoder_->height,
                                     encoder_->pix_fmt, SWS_BICUBIC, nullptr, nullptr, nullptr));
  if (scaler_ == nullptr) throw std::runtime_error("frames of this pixel format cannot be scaled");
  av::check(av_frame_make_writable(scaled_.get()), "frame buffer");
  av::check(sws_scale(scaler_.get(), frame.data, frame.linesize, 0, frame.height, scaled_->data, scaled_->linesize),
            "scaling failed");
  // Encoders refuse time that stands still or runs backwards, which damaged sources have.
  if (last_pts_ != AV_NOPTS_VALUE && frame.best_effort_timestamp <= last_pts_) return;
  scaled_->pts = last_pts_ = frame.best_effort_timestamp;
  encode(scaled_.get());
}

void Sink::encode(const AVFrame* frame) {
  av::check(avcodec_send_frame(encoder_.get(), frame), "encoding failed");
  av::Packet packet = av::make_packet();
  while (true) {
    const int got = avcodec_receive_packet(encoder_.get(), packet.get());
    if (got == AVERROR(EAGAIN) || got == AVERROR_EOF) return;
    av::check(got, "encoding failed");
    packet->stream_index = video_->index;
    // x264 leaves it empty, and the last frame would last no time.
    if (packet->duration == 0) packet->duration = av_rescale_q(1, av_inv_q(encoder_->framerate), encoder_->time_base);
    av_packet_rescale_ts(packet.get(), encoder_->time_base, video_->time_base);
    av::check(av_interleaved_write_frame(output_, packet.get()), "writing failed");
  }
}

void Sink::write_audio(AVPacket& packet) {
  if (audio_ == nullptr || packet.dts == AV_NOPTS_VALUE) return;
  av::Packet copy(av::allocated(av_packet_clone(&packet)));
  copy->stream_index = audio_->index;
  copy->pos = -1;
  av_packet_rescale_ts(copy.get(), audio_time_base_, audio_->time_base);
  av::check(av_interleaved_write_frame(output_, copy.get()), "writing failed");
}

void Sink::finish() {
  encode(nullptr);
  av::check(av_write_trailer(output_), "cannot finish the file");
}

}  // namespace video
