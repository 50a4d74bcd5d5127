// Processes that tasks left behind: the supervisor has adopted them and ends them once no task can be using them.
// Pure: lists in, list out.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <vector>

namespace flame::runner {

/// An orphan may belong to any invocation that ran when it was first seen, so it is killed when those have ended.
class Orphans {
 public:
  /// `adopted`: our children that are neither zygote nor slot. `running`: the invocations in slots. Returns which of
  /// the adopted to kill now.
  [[nodiscard]] std::vector<pid_t> judge(std::span<const pid_t> adopted, const std::set<std::uint64_t>& running);
  /// Some are waiting for invocations to end.
  [[nodiscard]] bool waiting() const { return !suspects_.empty(); }

 private:
  std::map<pid_t, std::set<std::uint64_t>> suspects_;  // and the invocations that they may belong to
};

}  // namespace flame::runner
