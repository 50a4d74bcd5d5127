// The plugin: which functions of this shared object are tasks, and with which options.
#include "plugins/video/video.hpp"

#include <flame/plugin.hpp>

using namespace std::chrono_literals;

FLAME_PLUGIN("video", "1.4.0", plugin) {
  // Both write complete files under a fixed name, so running one twice gives the same result.
  plugin.task<video::resize_quality>({.timeout = 10min, .retries = 2, .idempotent = true});
  plugin.task<video::thumbnails>({.timeout = 2min, .retries = 2, .idempotent = true});
}
