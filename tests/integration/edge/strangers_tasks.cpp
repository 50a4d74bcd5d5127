// The task of strangers_test.
#include "tests/integration/edge/strangers_tasks.hpp"

#include <flame/plugin.hpp>

namespace edge_strangers {

std::int32_t add(std::int32_t a, std::int32_t b) {
  return a + b;
}

}  // namespace edge_strangers

FLAME_PLUGIN("edge_strangers", "1.0.0", p) {
  p.task<edge_strangers::add>();
}
