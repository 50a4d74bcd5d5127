// The plugin edge_beside.
#include "tests/integration/edge/beside_tasks.hpp"

#include <flame/plugin.hpp>

#include "tests/integration/edge/beside_library.h"

std::string edge_beside::ask_libraries() {
  return edge_beside_outer();
}

FLAME_PLUGIN("edge_beside", "1.0.0", p) {
  p.task<edge_beside::ask_libraries>();
}
