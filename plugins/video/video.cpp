// The plugin: which functions of this shared object are tasks, and with which options.
#include "plugins/video/video.hpp"

#include <flame/plugin.hpp>

#include "plugins/video/av.hpp"

using namespace std::chrono_literals;

// libav writes its statistics to stderr, which would travel to the host's log with every call.
static void only_errors() {
  av_log_set_level(AV_LOG_ERROR);
}

FLAME_PLUGIN("video", FLAME_PLUGIN_BUILD_VERSION, plugin) {
  plugin.start<only_errors>();
  // Both write complete files under a fixed name, so running one twice gives the same result.
  plugin.task<video::resize_quality>({.timeout = 10min, .retries = 2, .idempotent = true});
  plugin.task<video::thumbnails>({.timeout = 2min, .retries = 2, .idempotent = true});
}
