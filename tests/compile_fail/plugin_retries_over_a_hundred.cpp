// expect: flame: a task has at most 100 retries
#include <flame/plugin.hpp>
namespace m {
int f(int value) {
  return value;
}
}  // namespace m
FLAME_PLUGIN("retries", "1.0.0", p) {
  p.task<m::f>({.retries = 101, .idempotent = true});
}
