// expect: flame: this task does not return Tracked<T>
#include <flame/plugin.hpp>
namespace m {
struct Index {
  int size() const { return 1; }
};
int f(int value) {
  return value;
}
}  // namespace m
FLAME_PLUGIN("methods", "1.0.0", p) {
  p.task<m::f>().methods<&m::Index::size>();
}
