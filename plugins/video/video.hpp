// The contract of the video plugin: hosts and the plugin include this header; neither needs anything else of the other.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <flame/contract.hpp>

namespace video {

/// A video file to be made smaller.
struct Video {
  std::string path;         ///< absolute path of the source, readable by the runner
  std::int32_t height = 0;  ///< lines of the result; 0 means 480; made even; 16 to 4320
  std::string store;        ///< directory for the result and its record; empty: the source's directory
};

/// A stored result; also a row of the table `videos` in `<store>/videos.sqlite`.
struct Resized {
  std::string path;        ///< `<store>/<stem>-<height>p.mp4`
  std::int64_t bytes = 0;  ///< size of that file
  double seconds = 0;      ///< duration of the video
  std::int32_t width = 0;
  std::int32_t height = 0;
};

/// Frames to be taken from a video, evenly spread over its duration.
struct Preview {
  std::string path;
  std::int32_t count = 0;  ///< 1 to 1000
  std::int32_t width = 0;  ///< columns of each picture; 0 means 320; 16 to 7680
  std::string store;       ///< directory for the pictures; empty: the source's directory
};

BOOST_DESCRIBE_STRUCT(Video, (), (path, height, store))
BOOST_DESCRIBE_STRUCT(Resized, (), (path, bytes, seconds, width, height))
BOOST_DESCRIBE_STRUCT(Preview, (), (path, count, width, store))

/// Transcodes to H.264 in an MP4 of the asked height (the first audio track is copied), stores the file, records it,
/// and reports its progress. The result appears under its name only when it is complete; a second run replaces it.
/// Throws NotAVideo, std::invalid_argument, or std::runtime_error with the reason; Stopped when asked to stop.
Resized resize_quality(flame::Context& context, Video video);

/// Writes `<store>/<stem>-<n>.png` for n = 1 … count and returns the paths. Throws as resize_quality.
std::vector<std::string> thumbnails(flame::Context& context, Preview preview);

}  // namespace video
