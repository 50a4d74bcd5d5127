// One quick task and one that lasts.
#include "tests/integration/edge/embedding_tasks.hpp"

#include <poll.h>

#include <chrono>

#include <flame/plugin.hpp>

namespace edge_embedding {

std::int32_t add(std::int32_t a, std::int32_t b) {
  return a + b;
}

void linger(flame::Context& context, std::int32_t milliseconds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
  while (!context.stop_requested() && std::chrono::steady_clock::now() < end) ::poll(nullptr, 0, 1);
}

}  // namespace edge_embedding

FLAME_PLUGIN("edge_embedding", "1.0.0", p) {
  p.task<edge_embedding::add>();
  p.task<edge_embedding::linger>();
}
