// Durations of any kind as nanoseconds, without overflow: std::chrono converts hours::max() to something negative.
#pragma once

#include <cstdint>
#include <type_traits>

#include <flame/detail/chrono.hpp>

namespace flame::detail {

/// The nearest duration that there is: max() and min() stand for all that is longer. Not a number is min().
template <class Rep, class Period>
[[nodiscard]] constexpr std::chrono::nanoseconds saturated(std::chrono::duration<Rep, Period> time) noexcept {
  using Nanoseconds = std::chrono::nanoseconds;
  using Factor = std::ratio_divide<Period, std::nano>;
  constexpr long double kLimit = 9223372036854775808.0L;  // 2^63
  const long double wanted = static_cast<long double>(time.count()) * Factor::num / Factor::den;
  if (wanted >= kLimit) return Nanoseconds::max();
  if (!(wanted > -kLimit)) return Nanoseconds::min();
  if constexpr (std::is_integral_v<Rep> && Factor::den == 1) {
    return Nanoseconds(static_cast<std::int64_t>(time.count()) * Factor::num);
  } else if constexpr (std::is_integral_v<Rep> && Factor::num == 1) {
    return Nanoseconds(
        static_cast<std::int64_t>(time.count() / static_cast<std::common_type_t<Rep, std::int64_t>>(Factor::den)));
  } else {
    return Nanoseconds(static_cast<std::int64_t>(wanted));
  }
}

/// From `now` to `deadline`, on any clock.
template <class Clock, class Length>
[[nodiscard]] constexpr std::chrono::nanoseconds saturated_until(std::chrono::time_point<Clock, Length> deadline,
                                                                 typename Clock::time_point now) noexcept {
  using Nanoseconds = std::chrono::nanoseconds;
  const Nanoseconds end = saturated(deadline.time_since_epoch());
  const Nanoseconds start = saturated(now.time_since_epoch());
  if (start < Nanoseconds::zero() && end > Nanoseconds::max() + start) return Nanoseconds::max();
  if (start > Nanoseconds::zero() && end < Nanoseconds::min() + start) return Nanoseconds::min();
  return end == Nanoseconds::max() ? end : end - start;
}

}  // namespace flame::detail

namespace flame {

/// A duration as options take it: any std::chrono::duration converts, and what nanoseconds cannot hold is for ever
/// (kForever) instead of an overflow. Not a number is refused like what is negative. Otherwise it is a
/// std::chrono::nanoseconds.
class TimeLimit : public std::chrono::nanoseconds {
 public:
  constexpr TimeLimit() noexcept : std::chrono::nanoseconds(0) {}
  template <class Rep, class Period>
  constexpr TimeLimit(std::chrono::duration<Rep, Period> time) noexcept  // NOLINT(google-explicit-constructor)
      : std::chrono::nanoseconds(detail::saturated(time)) {}
};

}  // namespace flame
