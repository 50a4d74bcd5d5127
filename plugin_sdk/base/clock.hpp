// Time as this project measures it: nanoseconds of CLOCK_BOOTTIME, which runs on while the machine is suspended.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>

namespace flame::base {

/// The clock of Instant, for the type system only: pure classes get `now` handed in, others ask boot_time().
struct Boottime {
  using rep = std::int64_t;
  using period = std::nano;
  using duration = std::chrono::nanoseconds;
  using time_point = std::chrono::time_point<Boottime>;
  static constexpr bool is_steady = true;
};

/// A point in time on this machine. Never sent to another one.
using Instant = Boottime::time_point;
using Duration = std::chrono::nanoseconds;

/// "infinite" in configuration; on the wire -1.
inline constexpr Duration kInfinite = Duration::max();
/// The instant that never comes.
inline constexpr Instant kNever = Instant::max();

/// now + wait without overflow; kNever when `wait` is infinite or the sum does not fit. Negative waits count as zero.
[[nodiscard]] constexpr Instant deadline_after(Instant now, Duration wait) noexcept {
  if (wait <= Duration::zero()) return now;
  return wait >= kNever - now ? kNever : now + wait;
}

/// What is left until `deadline`, at least zero; kInfinite for kNever.
[[nodiscard]] constexpr Duration remaining(Instant deadline, Instant now) noexcept {
  if (deadline == kNever) return kInfinite;
  return deadline <= now ? Duration::zero() : deadline - now;
}

/// The same for poll(): rounded up, as waking early would only spin; -1 for kNever.
[[nodiscard]] constexpr int milliseconds_until(Instant deadline, Instant now) noexcept {
  if (deadline == kNever) return -1;
  const std::int64_t left = std::chrono::ceil<std::chrono::milliseconds>(remaining(deadline, now)).count();
  return static_cast<int>(std::min<std::int64_t>(left, std::numeric_limits<int>::max()));
}

/// Between Duration and the wire's "nanoseconds, -1 = infinite". Other negative numbers count as zero.
[[nodiscard]] constexpr std::int64_t to_wire(Duration d) noexcept {
  return d == kInfinite ? -1 : d.count();
}
[[nodiscard]] constexpr Duration from_wire(std::int64_t ns) noexcept {
  if (ns == -1) return kInfinite;
  return Duration(ns < 0 ? 0 : ns);
}

}  // namespace flame::base
