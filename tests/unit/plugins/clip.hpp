// Small real videos for the tests of the video plugin, made by the ffmpeg program.
#pragma once

#include <string>

namespace video_test {

/// Writes `seconds` of a moving test picture with a tone as H.264 and AAC in MP4.
void make_clip(const std::string& path, const std::string& size, int seconds);

/// One value that ffprobe prints for the first video stream, such as "height" or "codec_name".
std::string probe(const std::string& path, const std::string& entry);

}  // namespace video_test
