// expect: flame: a function that returns std::unique_ptr<T> makes a child
#include <flame/plugin.hpp>
namespace m {
struct Worker {};
std::unique_ptr<Worker> worker() {
  return std::make_unique<Worker>();
}
}  // namespace m
FLAME_PLUGIN("factory", "1.0.0", p) {
  p.task<m::worker>();
}
