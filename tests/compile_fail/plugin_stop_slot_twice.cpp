// expect: flame: a plugin has at most one stop_slot function
#include <flame/plugin.hpp>
namespace m {
void stop() {}
}  // namespace m
FLAME_PLUGIN("stop", "1.0.0", p) {
  p.stop_slot<m::stop>();
  p.stop_slot<m::stop>();
}
