// Finds runners below this process by /proc, and strikes.
#include "tests/soak/chaos.hpp"

#include <signal.h>
#include <unistd.h>

#include <random>
#include <vector>

#include "tests/support/eventually.hpp"
#include "tests/support/processes.hpp"

namespace flame::soak {
namespace {

using namespace std::chrono_literals;

std::vector<pid_t> runners(pid_t spared) {
  std::vector<pid_t> guardians;
  for (const pid_t pid : test::descendants(::getpid())) {
    if (pid != spared && test::parent_of(pid) == ::getpid() && !test::is_gone(pid)) guardians.push_back(pid);
  }
  return guardians;
}

pid_t child_of(pid_t parent) {
  for (const pid_t pid : test::descendants(parent)) {
    if (test::parent_of(pid) == parent) return pid;
  }
  return 0;
}

/// A process below the supervisor with the given out-of-memory preference: 400 zygotes, 800 slots.
pid_t with_preference(pid_t supervisor, int preference, std::uint32_t dice) {
  std::vector<pid_t> fitting;
  for (const pid_t pid : test::descendants(supervisor)) {
    if (test::oom_preference(pid) == preference) fitting.push_back(pid);
  }
  return fitting.empty() ? 0 : fitting[dice % fitting.size()];
}

}  // namespace

Chaos::Chaos(pid_t spared_guardian, std::uint32_t seed)
    : spared_(spared_guardian), thread_([this, seed] { run(seed); }) {}

void Chaos::stop() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
  let_go(std::chrono::steady_clock::time_point::max());
}

// Over ipc nobody takes a runner that stands still for dead.
void Chaos::let_go(std::chrono::steady_clock::time_point now) {
  std::erase_if(stopped_, [now](const auto& entry) {
    const auto& [guardian, stop] = entry;
    if (now < stop.until) return false;
    ::kill(stop.supervisor, SIGCONT);
    return true;
  });
}

void Chaos::run(std::uint32_t seed) {
  std::mt19937 random(seed);
  while (!stopping_) {
    const std::chrono::milliseconds pause(100 + random() % 700);
    if (test::eventually([&] { return stopping_.load(); }, pause)) return;
    let_go(std::chrono::steady_clock::now());
    strike(static_cast<std::uint32_t>(random()));
  }
}

void Chaos::strike(std::uint32_t dice) {
  const std::vector<pid_t> guardians = runners(spared_);
  if (guardians.empty()) return;
  const pid_t guardian = guardians[dice % guardians.size()];
  const pid_t supervisor = child_of(guardian);
  if (supervisor == 0 || stopped_.contains(guardian)) return;
  dice /= 64;
  struct Blow {
    const char* name;
    pid_t victim;
    int signal;
  };
  const Blow blows[] = {
      {"slot killed", with_preference(supervisor, 800, dice / 8), SIGKILL},
      {"slot killed", with_preference(supervisor, 800, dice / 8), SIGKILL},
      {"zygote killed", with_preference(supervisor, 400, dice / 8), SIGKILL},
      {"supervisor killed", supervisor, SIGKILL},
      {"guardian killed", guardian, SIGKILL},
      {"supervisor stopped", supervisor, SIGSTOP},
      {"runner told to go", guardian, SIGTERM},
  };
  const Blow& blow = blows[dice % std::size(blows)];
  if (blow.signal == SIGSTOP)
    stopped_[guardian] = {supervisor, std::chrono::steady_clock::now() + std::chrono::seconds(1 + dice % 5)};
  if (blow.victim <= 1 || ::kill(blow.victim, blow.signal) != 0) return;
  const std::lock_guard lock(mutex_);
  ++done_[blow.name];
}

std::string Chaos::summary() const {
  const std::lock_guard lock(mutex_);
  std::string text;
  for (const auto& [name, count] : done_) text += "  " + name + ": " + std::to_string(count) + "\n";
  return text;
}

}  // namespace flame::soak
