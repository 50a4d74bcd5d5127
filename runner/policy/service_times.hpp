// How long tasks took lately: which are so brief that waking a slot for each call costs more than the call. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "runner/policy/clock.hpp"

namespace flame::runner {

class ServiceTimes {
 public:
  struct Ran {
    Duration time;
    bool quiet = true;  // it left no output that the runner had not read yet; what writes is better off in a slot alone
    bool first = false;  // in its slot: it has also paid for what is made there once, so it tells nothing
  };
  /// A call of `task` has ended. The next version of a plugin begins with what is known of the last one's tasks.
  void ran(std::uint64_t task, const Ran& call);
  /// Its last calls were all brief: kCallsToTrust at least, in the mean at most kBrief.
  [[nodiscard]] bool brief(std::uint64_t task) const;

  static constexpr std::uint32_t kCallsToTrust = 8;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)  // everything takes several times as long
  static constexpr Duration kBrief = std::chrono::microseconds(400);
#else
  static constexpr Duration kBrief = std::chrono::microseconds(50);
#endif
  /// More tasks than the plugins of a runner have, but not than all that it has ever had: then all begin anew.
  static constexpr std::size_t kTasksMax = 10'000;
  /// One call that takes longer than this ends the trust.
  static constexpr Duration kLong = std::chrono::milliseconds(2);

 private:
  struct Task {
    std::uint32_t trusted = 0;  // calls since the last that was long or wrote
    Duration mean{};            // the last ones weigh most
  };
  std::unordered_map<std::uint64_t, Task> tasks_;
};

}  // namespace flame::runner
