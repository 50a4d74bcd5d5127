// What its stop_slot() does is $GOODBYE: nothing more, "throw", "crash", "exit", "exit with 0",
// "hang", or "together".
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

// Where threads wait until all are here.
class Meeting {
 public:
  void come(int all) {
    std::unique_lock lock(mutex_);
    ++here_;
    changed_.notify_all();
    changed_.wait(lock, [this, all] { return here_ >= all; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int here_ = 0;
};
Meeting calls;
Meeting goodbyes;

int slots() {
  return std::stoi(variable("GOODBYE_SLOTS"));
}

void stop_slot(const flame::Parent& parent) {
  if (variable("GOODBYE") == "together") goodbyes.come(slots());
  const std::string line = std::string(parent.pool) + " " + std::to_string(::getpid()) + "\n";
  const int file = ::open(variable("GOODBYE_FILE").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const bool written = ::write(file, line.data(), line.size()) == static_cast<ssize_t>(line.size());
  ::close(file);
  const std::string then = variable("GOODBYE");
  if (!written || then == "throw") throw std::runtime_error("no time for goodbyes");
  if (then == "crash") crash();
  if (then == "exit") ::_exit(7);
  if (then == "exit with 0") std::exit(0);
  if (then == "hang") hang();
}

}  // namespace

std::int32_t meet() {
  calls.come(slots());
  return ::getpid();
}

}  // namespace goodbye

FLAME_PLUGIN("edge_goodbye", "1.0.0", p) {
  p.task<goodbye::process_id>();
  p.task<goodbye::meet>();
  p.task<goodbye::hang>();
  p.task<goodbye::crash>();
  p.stop_slot<goodbye::stop_slot>();
}
