// Time that a test moves by hand.
#pragma once

#include "plugin_sdk/base/clock.hpp"

namespace flame::test {

/// Starts one hour after the epoch, so that subtracting does not run below zero. Used by one thread.
class ManualClock final : public base::Clock {
 public:
  [[nodiscard]] base::Instant now() const noexcept override { return now_; }
  base::Instant advance(base::Duration by) noexcept { return now_ += by; }

 private:
  base::Instant now_{std::chrono::hours(1)};
};

}  // namespace flame::test
