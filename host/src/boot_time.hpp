// The time that the loop hands to policies.
#pragma once

#include "host/src/types.hpp"

namespace flame::pool {

/// CLOCK_BOOTTIME. For the action side only: pure classes get `now`. [any thread]
[[nodiscard]] inline Instant boot_time() noexcept {
  return base::BoottimeClock().now();
}

}  // namespace flame::pool
