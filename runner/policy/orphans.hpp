// Processes that tasks left behind: the supervisor has adopted them and ends them once no task can be using them.
// Pure: lists in, list out.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <vector>

#include "runner/policy/clock.hpp"

namespace flame::runner {

/// An orphan may belong to any invocation that ran when it was first seen, so it is killed when those have ended.
class Orphans {
 public:
  /// `adopted`: our children that are neither zygote nor slot. `running`: the invocations in slots. `making`: slots are
  /// being forked, and a fresh one is adopted before we know its pid: what was first seen during the last
  /// limits::kForkAnswerMax may be one, and is not killed yet. Returns which of the adopted to kill now.
  [[nodiscard]] std::vector<pid_t> judge(Instant now, std::span<const pid_t> adopted,
                                         const std::set<std::uint64_t>& running, bool making);
  /// Some are waiting for invocations to end.
  [[nodiscard]] bool waiting() const { return !suspects_.empty(); }

 private:
  struct Suspect {
    Instant seen;
    bool known = false;              // it is no fresh slot
    std::set<std::uint64_t> owners;  // the invocations that it may belong to
  };
  std::map<pid_t, Suspect> suspects_;
};

}  // namespace flame::runner
