// expect: flame: p.child<F>() takes a function that returns std::unique_ptr<T>
#include <flame/plugin.hpp>
namespace m {
int f(int value) {
  return value;
}
}  // namespace m
FLAME_PLUGIN("factory", "1.0.0", p) {
  p.child<m::f>();
}
