// The record of what was made: table `videos` in `<store>/videos.sqlite`, shared by all runners of a machine.
#pragma once

#include <string>

#include "plugins/video/video.hpp"

namespace video {

/// Inserts or replaces the row of `result.path`. Waits up to 10 s for other writers. Throws std::runtime_error.
void record(const std::string& store, const std::string& source, const Resized& result);

}  // namespace video
