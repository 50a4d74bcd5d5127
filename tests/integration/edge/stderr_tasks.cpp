// Tasks of stderr_test.
#include "tests/integration/edge/stderr_tasks.hpp"

#include <poll.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include <flame/plugin.hpp>

namespace edge_stderr {

std::int32_t add(std::int32_t a, std::int32_t b) {
  return a + b;
}

std::int32_t shout(std::int32_t lines) {
  const std::string line = "shouted " + std::string(91, '.');
  for (std::int32_t i = 0; i < lines; ++i) std::puts(line.c_str());
  return lines;
}

std::int32_t nap(std::int32_t milliseconds) {
  ::poll(nullptr, 0, milliseconds);
  return milliseconds;
}

std::int32_t leave_child() {
  if (::fork() == 0) {
    for (;;) ::pause();
  }
  return 0;
}

}  // namespace edge_stderr

FLAME_PLUGIN("edge_stderr", "1.0.0", p) {
  p.task<edge_stderr::add>();
  p.task<edge_stderr::shout>();
  p.task<edge_stderr::nap>();
  p.task<edge_stderr::leave_child>();
}
