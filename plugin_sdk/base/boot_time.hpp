// The time that loops hand to policies.
#pragma once

#include <time.h>

#include "plugin_sdk/base/assert.hpp"
#include "plugin_sdk/base/clock.hpp"

namespace flame::base {

/// CLOCK_BOOTTIME. For the action side only: pure classes get `now`. [any thread]
[[nodiscard]] inline Instant boot_time() noexcept {
  timespec time{};
  const int failed = ::clock_gettime(CLOCK_BOOTTIME, &time);
  FLAME_ASSERT(failed == 0, "CLOCK_BOOTTIME exists since Linux 2.6.39");
  return Instant(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
}

}  // namespace flame::base
