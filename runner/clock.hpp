// The runner's one clock: CLOCK_BOOTTIME, which goes on while a machine is suspended. Policy classes get its value
// as an argument and never ask it.
#pragma once

#include <chrono>

namespace flame::runner {

/// Nanoseconds since boot.
using Time = std::chrono::nanoseconds;

inline constexpr Time kNever = Time::max();

/// The clock's value. [any thread]
[[nodiscard]] Time boottime();

/// `at + duration`, with kNever for a negative (infinite) duration or an overflow.
[[nodiscard]] constexpr Time later(Time at, Time duration) {
  return duration < Time::zero() || at > kNever - duration ? kNever : at + duration;
}

}  // namespace flame::runner
