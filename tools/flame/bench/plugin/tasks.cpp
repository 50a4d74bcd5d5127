// Tasks of both bench plugins.
#include "tools/flame/bench/plugin/tasks.hpp"

#include <poll.h>

#include <csignal>

#include <flame/bytes.hpp>

namespace flame_bench {

std::string echo(std::string text) {
  return text;
}
flame::Bytes echo_bytes(flame::Bytes bytes) {
  return bytes;
}
std::uint64_t swallow(flame::Bytes bytes) {
  return bytes.size();
}
void wait_ms(std::int32_t milliseconds) {
  ::poll(nullptr, 0, milliseconds);
}
void die() {
  std::raise(SIGKILL);
}

}  // namespace flame_bench
