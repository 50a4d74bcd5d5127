// expect: flame: a start hook is a function void() or void(const flame::Parent&)
#include <flame/plugin.hpp>
namespace m {
void start(int) {}
}  // namespace m
FLAME_PLUGIN("start", "1.0.0", p) {
  p.start<m::start>();
}
