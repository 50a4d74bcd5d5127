// expect: flame: retries need .idempotent = true
#include <flame/plugin.hpp>
namespace m {
int f(int value) {
  return value;
}
}  // namespace m
FLAME_PLUGIN("retries", "1.0.0", p) {
  p.task<m::f>({.retries = 2});
}
