// Small real videos for the tests of the video plugin, made by the ffmpeg program.
#pragma once

#include <string>

namespace video_test {

/// Writes `seconds` of a moving test picture with a tone as H.264 and AAC in MP4.
void make_clip(const std::string& path, const std::string& size, int seconds);

/// One value that ffprobe prints for the first video stream, or another ("a:0"), such as "height" or "codec_name".
std::string probe(const std::string& path, const std::string& entry, const std::string& stream = "v:0");

}  // namespace video_test
