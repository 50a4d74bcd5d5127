// expect: flame: this task is registered twice
#include <flame/plugin.hpp>
namespace m {
int f(int value) {
  return value;
}
}  // namespace m
FLAME_PLUGIN("twice", "1.0.0", p) {
  p.task<m::f>();
  p.task<m::f>();
}
