// A plugin whose start() would be of no use in a fork.
#include "exec_slots_tasks.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>

#include <flame/plugin.hpp>

namespace exec_slots {

namespace {

std::int32_t started = 0;

// Leaves no thread, as CUDA's initialisation does; it would be useless in a fork all the same.
void start() {
  started = ::getpid();
  const char* file = std::getenv("STARTED_FILE");
  if (file == nullptr) throw std::runtime_error("no device");
  const int fd = ::open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const bool written = ::write(fd, "s", 1) == 1;
  ::close(fd);
  if (!written) throw std::runtime_error("no file");
}

void stop() {}

}  // namespace

std::int32_t process_id() {
  return ::getpid();
}

std::int32_t started_in() {
  return started;
}

void hang() {
  for (;;) ::pause();
}

}  // namespace exec_slots

FLAME_PLUGIN("edge_exec_slots", "1.0.0", p) {
  p.task<exec_slots::process_id>();
  p.task<exec_slots::started_in>();
  p.task<exec_slots::hang>();
  p.start<exec_slots::start>();
  p.stop_slot<exec_slots::stop>();
  p.exec_slots();
}
