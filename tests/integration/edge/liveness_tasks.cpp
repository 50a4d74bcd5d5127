#include "tests/integration/edge/liveness_tasks.hpp"

#include <unistd.h>

#include <chrono>
#include <fstream>
#include <thread>

#include <flame/plugin.hpp>

namespace edge_liveness {

std::string work(std::string file, std::int32_t milliseconds) {
  std::ofstream(file) << "begun\n";
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
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
