// The small bench plugin.
#include <flame/plugin.hpp>

#include "tools/flame/bench/plugin/tasks.hpp"

FLAME_PLUGIN("bench-small", FLAME_PLUGIN_BUILD_VERSION, plugin) {
  plugin.task<flame_bench::echo>();
  plugin.task<flame_bench::echo_bytes>();
  plugin.task<flame_bench::swallow>();
  plugin.task<flame_bench::wait_ms>();
  plugin.task<flame_bench::die>();
}
