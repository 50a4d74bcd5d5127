// Reads CLOCK_BOOTTIME.
#include "plugin_sdk/base/clock.hpp"

#include <time.h>

#include "plugin_sdk/base/assert.hpp"

namespace flame::base {

Instant BoottimeClock::now() const noexcept {
  timespec time{};
  const int failed = clock_gettime(CLOCK_BOOTTIME, &time);
  FLAME_ASSERT(failed == 0, "CLOCK_BOOTTIME exists since Linux 2.6.39");
  return Instant(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
}

}  // namespace flame::base
