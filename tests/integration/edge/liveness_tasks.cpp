// Tasks of liveness_test.
#include "tests/integration/edge/liveness_tasks.hpp"

#include <poll.h>
#include <unistd.h>

#include <fstream>

#include <flame/plugin.hpp>

namespace edge_liveness {

std::string work(std::string file, std::int32_t milliseconds) {
  std::ofstream(file) << "begun\n";
  ::poll(nullptr, 0, milliseconds);
  return "worked";
}

std::int64_t supervisor() {
  return ::getppid();
}

}  // namespace edge_liveness

FLAME_PLUGIN("edge_liveness", "1.0.0", p) {
  p.task<edge_liveness::work>();
  p.task<edge_liveness::supervisor>();
}
