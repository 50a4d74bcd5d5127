// Whether the kernel's OOM killer explains the death of a slot. Pure: `now` and the kernel's counter go in.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "runner/policy/clock.hpp"

namespace flame::runner {

/// The counter is the whole machine's and only grows, so just kills of the last moments may explain a death, each of
/// them one. Those between the last sample but one and now count: a process takes a while from its kill to its end.
class OomWatch {
 public:
  static constexpr Duration kInterval = std::chrono::seconds(2);

  OomWatch(Instant now, std::uint64_t kills) : explained_(kills), last_(kills), due_(deadline_after(now, kInterval)) {}

  /// It is time for sample(). Nobody needs to wake up for it: a late sample only makes the moments longer.
  [[nodiscard]] bool due(Instant now) const { return now >= due_; }
  void sample(Instant now, std::uint64_t kills) {
    explained_ = std::max(explained_, last_);
    last_ = std::max(last_, kills);
    due_ = deadline_after(now, kInterval);
  }

  /// A slot has died of a SIGKILL that is not ours, and the counter is at `kills`.
  [[nodiscard]] bool explains_death(std::uint64_t kills) {
    if (kills <= explained_) return false;
    ++explained_;
    return true;
  }

 private:
  std::uint64_t explained_;  // kills up to here are old, or have had their death
  std::uint64_t last_;
  Instant due_;
};

}  // namespace flame::runner
