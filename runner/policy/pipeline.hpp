// For how long an invocation may keep those behind it waiting: those were sent to its slot before it was free, because
// all of them were taken for brief. Pure.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "runner/policy/clock.hpp"
#include "runner/policy/service_times.hpp"
#include "runner/policy/slot_table.hpp"

namespace flame::runner {

class Pipeline {
 public:
  /// What runs longer than a brief task should, or is not run at all on a busy machine, keeps no others waiting.
  static constexpr Duration kTimeLimit = ServiceTimes::kLong;

  /// In the slot, `running` keeps others waiting from now on.
  void keeps_waiting(Instant now, SlotRef slot, std::uint64_t running) {
    waits_.push_back({deadline_after(now, kTimeLimit), {slot, running}});
  }

  /// In the slot, `running` keeps others waiting for too long, if it is still there.
  struct Slow {
    SlotRef slot;
    std::uint64_t running;
  };
  [[nodiscard]] std::vector<Slow> take_slow(Instant now);
  [[nodiscard]] Instant wake_at() const { return waits_.empty() ? kNever : waits_.front().due; }

 private:
  struct Wait {
    Instant due;
    Slow slow;
  };
  std::deque<Wait> waits_;  // in order
};

}  // namespace flame::runner
