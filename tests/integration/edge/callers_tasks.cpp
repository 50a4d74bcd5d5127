// One quick task, one that takes bytes, one that lasts.
#include "tests/integration/edge/callers_tasks.hpp"

#include <poll.h>

#include <chrono>

#include <flame/plugin.hpp>

namespace edge_callers {

std::int32_t add(std::int32_t a, std::int32_t b) {
  return a + b;
}

std::uint64_t size_of(flame::Bytes bytes) {
  return bytes.size();
}

void linger(flame::Context& context, std::int32_t milliseconds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
  while (!context.stop_requested() && std::chrono::steady_clock::now() < end) ::poll(nullptr, 0, 1);
}

}  // namespace edge_callers

FLAME_PLUGIN("edge_callers", "1.0.0", p) {
  p.task<edge_callers::add>();
  p.task<edge_callers::size_of>();
  p.task<edge_callers::linger>();
}
