// expect: flame: a plugin's name is [a-z]
#include <flame/plugin.hpp>
namespace m {
int f(int value) {
  return value;
}
}  // namespace m
FLAME_PLUGIN("Video", "1.0.0", p) {
  p.task<m::f>();
}
