// The time of day, for what is written down for others.
#pragma once

#include <chrono>
#include <cstdint>

namespace flame::base {

/// Seconds since 1970, as this machine's clock has it: people and NTP set it, so that nothing is measured by it.
[[nodiscard]] inline std::int64_t unix_time() noexcept {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

}  // namespace flame::base
