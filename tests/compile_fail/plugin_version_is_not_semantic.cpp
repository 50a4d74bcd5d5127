// expect: flame: a plugin's version is semantic
#include <flame/plugin.hpp>
namespace m {
int f(int value) {
  return value;
}
}  // namespace m
FLAME_PLUGIN("version", "1.0", p) {
  p.task<m::f>();
}
