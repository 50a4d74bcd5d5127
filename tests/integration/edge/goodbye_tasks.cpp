// What its stop_slot() does is $GOODBYE: nothing more, "throw", "crash", "exit", "hang", or "together".
#include "goodbye_tasks.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <mutex>
#include <stdexcept>
#include <string>

#include <flame/plugin.hpp>

namespace goodbye {

static volatile bool survived = false;

std::int32_t process_id() {
  return ::getpid();
}

void hang() {
  for (;;) ::pause();
}

void crash() {
  std::raise(SIGSEGV);
  survived = true;  // so that the call is no jump, and this function is on the stack
}

namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// Returns when $GOODBYE_SLOTS slots of the process are here.
void wait_for_all() {
  static std::mutex mutex;
  static std::condition_variable changed;
  static int here = 0;
  std::unique_lock lock(mutex);
  ++here;
  changed.notify_all();
  changed.wait(lock, [all = std::stoi(variable("GOODBYE_SLOTS"))] { return here >= all; });
}

void stop_slot(const flame::Parent& parent) {
  if (variable("GOODBYE") == "together") wait_for_all();
  const std::string line = std::string(parent.pool) + " " + std::to_string(::getpid()) + "\n";
  const int file = ::open(variable("GOODBYE_FILE").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const bool written = ::write(file, line.data(), line.size()) == static_cast<ssize_t>(line.size());
  ::close(file);
  const std::string then = variable("GOODBYE");
  if (!written || then == "throw") throw std::runtime_error("no time for goodbyes");
  if (then == "crash") crash();
  if (then == "exit") ::_exit(7);
  if (then == "hang") hang();
}

}  // namespace
}  // namespace goodbye

FLAME_PLUGIN("edge_goodbye", "1.0.0", p) {
  p.task<goodbye::process_id>();
  p.task<goodbye::hang>();
  p.task<goodbye::crash>();
  p.stop_slot<goodbye::stop_slot>();
}
