// expect: flame: the timeout of a task cannot be negative
#include <flame/plugin.hpp>
namespace m {
int f(int value) {
  return value;
}
}  // namespace m
FLAME_PLUGIN("negative", "1.0.0", p) {
  p.task<m::f>({.timeout = std::chrono::seconds(-1)});
}
