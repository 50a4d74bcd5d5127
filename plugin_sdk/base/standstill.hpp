// Tells a process that was not scheduled (stopped, suspended, starved) from a peer that is silent.
#pragma once

#include <algorithm>
#include <optional>

#include "plugin_sdk/base/clock.hpp"

namespace flame::base {

/// Pure. Its owner looks at the clock at least every half of `most`; a longer pause is one in which it stood still.
class Standstill {
 public:
  explicit Standstill(Duration most) : most_(most) {}

  /// Call with every look at the clock. How long the owner stood still before this one; zero: it did not.
  [[nodiscard]] Duration seen(Instant now) {
    const Duration pause = last_ ? now - *last_ : Duration::zero();
    last_ = now;
    return pause > most_ ? pause : Duration::zero();
  }

 private:
  Duration most_;
  std::optional<Instant> last_;
};

/// A deadline of a peer that had `limit` for it and may have stood still with us. Never later than if it began `now`.
[[nodiscard]] constexpr Instant put_off(Instant deadline, Duration pause, Instant now, Duration limit) noexcept {
  if (deadline == kNever) return kNever;
  return std::min(deadline_after(deadline, pause), deadline_after(now, limit));
}

}  // namespace flame::base
