// The time that loops hand to policies.
#pragma once

#include "plugin_sdk/base/clock.hpp"

namespace flame::base {

/// CLOCK_BOOTTIME. For the action side only: pure classes get `now`. [any thread]
[[nodiscard]] inline Instant boot_time() noexcept {
  return BoottimeClock().now();
}

}  // namespace flame::base
