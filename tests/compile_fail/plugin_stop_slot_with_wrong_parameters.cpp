// expect: flame: a stop hook is a function void() or void(const flame::Parent&)
#include <flame/plugin.hpp>
namespace m {
void stop(int) {}
}  // namespace m
FLAME_PLUGIN("stop", "1.0.0", p) {
  p.stop_slot<m::stop>();
}
