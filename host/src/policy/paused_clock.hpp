// A clock that can be stopped: what it did not count is no waiting.
#pragma once

#include <optional>

#include "host/src/policy/types.hpp"
#include "plugin_sdk/base/assert.hpp"

namespace flame::pool {

/// Pure; not thread-safe.
class PausedClock {
 public:
  /// It stands from now on, until all who hold it have let it go.
  void hold(Instant now) {
    if (holds_++ == 0) stopped_ = now;
  }
  void let_go(Instant now) {
    FLAME_ASSERT(holds_ > 0, "held before");
    if (--holds_ > 0) return;
    left_out_ += now - *stopped_;
    stopped_.reset();
  }
  [[nodiscard]] bool stands() const noexcept { return stopped_.has_value(); }
  /// What it shows.
  [[nodiscard]] Instant read(Instant now) const noexcept { return stopped_.value_or(now) - left_out_; }
  /// When it shows `time`; kNever while it stands.
  [[nodiscard]] Instant when(Instant time) const noexcept {
    return stopped_ || time == kNever ? kNever : base::deadline_after(time, left_out_);
  }

 private:
  unsigned holds_ = 0;
  Duration left_out_{};
  std::optional<Instant> stopped_;
};

}  // namespace flame::pool
