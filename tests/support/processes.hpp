// Finds the processes of the runner that a host program has started.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <cerrno>
#include <cstdint>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "tests/support/leftovers.hpp"

namespace flame::test {

struct RunnerProcesses {
  pid_t guardian = 0;
  pid_t supervisor = 0;
  pid_t zygote = 0;
  std::vector<pid_t> slots;  ///< spare ones included

  [[nodiscard]] std::vector<pid_t> all() const {
    std::vector<pid_t> pids = slots;
    for (const pid_t pid : {guardian, supervisor, zygote}) {
      if (pid > 0) pids.push_back(pid);
    }
    return pids;
  }
};

[[nodiscard]] inline bool is_gone(pid_t pid) {
  if (::kill(pid, 0) != 0) return errno == ESRCH;
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string id, name, state;
  stat >> id >> name >> state;
  return state == "Z" || state.empty();  // a subreaper has yet to collect it
}

[[nodiscard]] inline pid_t parent_of(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string id, name, state;
  pid_t parent = 0;
  stat >> id >> name >> state >> parent;
  return parent;
}

/// The kernel's out-of-memory preference: 400 marks a zygote, 800 a slot.
[[nodiscard]] inline int oom_preference(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/oom_score_adj");
  int value = 0;
  file >> value;
  return value;
}

/// Whether a process ignores SIGTERM: misbehave::hang() does so once it runs.
[[nodiscard]] inline bool ignores_sigterm(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string word; status >> word;) {
    if (word != "SigIgn:") continue;
    std::uint64_t mask = 0;
    status >> std::hex >> mask;
    return (mask >> (SIGTERM - 1) & 1U) != 0;
  }
  return false;
}

/// Of one runner below `host`; what is not there (yet) stays 0.
[[nodiscard]] inline RunnerProcesses runner_processes(pid_t host) {
  RunnerProcesses found;
  const std::set<pid_t> all = descendants(host);
  for (const pid_t pid : all) {
    if (parent_of(pid) == host && command_of(pid).find("flame-runner") != std::string::npos) found.guardian = pid;
  }
  for (const pid_t pid : all) {
    if (found.guardian > 0 && parent_of(pid) == found.guardian) found.supervisor = pid;
  }
  for (const pid_t pid : all) {
    if (found.supervisor <= 0 || parent_of(pid) != found.supervisor) continue;
    const int preference = oom_preference(pid);
    if (preference == 800) found.slots.push_back(pid);
    // The oldest: a slot that has just been forked is still marked as its zygote is.
    if (preference == 400 && found.zygote == 0) found.zygote = pid;
  }
  return found;
}

}  // namespace flame::test
