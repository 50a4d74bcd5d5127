// See clock.hpp.
#include "runner/clock.hpp"

#include <ctime>

namespace flame::runner {

Time boottime() {
  timespec at{};
  ::clock_gettime(CLOCK_BOOTTIME, &at);
  return std::chrono::seconds(at.tv_sec) + Time(at.tv_nsec);
}

}  // namespace flame::runner
