// Durations that nanoseconds cannot hold: for ever, never the opposite.
#include <gtest/gtest.h>

#include <chrono>
#include <limits>

#include <flame/options.hpp>

namespace flame {
namespace {

using namespace std::chrono_literals;
using detail::saturated;
using std::chrono::nanoseconds;

TEST(Saturated, KeepsWhatFits) {
  static_assert(saturated(5ms) == 5'000'000ns);
  EXPECT_EQ(saturated(-3h), nanoseconds(-3h));
  EXPECT_EQ(saturated(std::chrono::duration<double>(1.5)), 1500ms);
  EXPECT_EQ(saturated(std::chrono::duration<std::int64_t, std::pico>(2500)), 2ns);
  EXPECT_EQ(saturated(std::chrono::duration<std::uint8_t, std::ratio<60>>(2)), 2min);
  EXPECT_EQ(saturated(std::chrono::duration<std::int64_t, std::ratio<1, 30>>(60)), 2s);
  EXPECT_EQ(saturated(nanoseconds::max() - 1ns), nanoseconds::max() - 1ns);
  EXPECT_EQ(saturated(nanoseconds::min()), nanoseconds::min());
}

TEST(Saturated, TakesWhatIsTooLongForForEver) {
  EXPECT_EQ(saturated(std::chrono::hours::max()), nanoseconds::max());
  EXPECT_EQ(saturated(std::chrono::hours::min()), nanoseconds::min());
  EXPECT_EQ(saturated(std::chrono::duration<float>(1e30F)), nanoseconds::max());
  EXPECT_EQ(saturated(std::chrono::duration<double>(std::numeric_limits<double>::infinity())), nanoseconds::max());
  EXPECT_EQ(saturated(-std::chrono::duration<double>(std::numeric_limits<double>::infinity())), nanoseconds::min());
  EXPECT_EQ(saturated(std::chrono::duration<double>(std::numeric_limits<double>::quiet_NaN())), nanoseconds::min());
  EXPECT_EQ(saturated(std::chrono::duration<std::uint64_t>(~std::uint64_t{0})), nanoseconds::max());
  EXPECT_EQ(saturated(std::chrono::duration<std::int64_t, std::ratio<31'556'952>>(293)), nanoseconds::max());
}

TEST(Saturated, MeasuresUntilAnyTimePoint) {
  using Clock = std::chrono::system_clock;
  using Hours = std::chrono::time_point<Clock, std::chrono::hours>;
  const Clock::time_point now(Clock::duration(1'700'000'000s));
  EXPECT_EQ(detail::saturated_until(now + 5ms, now), 5ms);
  EXPECT_EQ(detail::saturated_until(Hours::max(), now), nanoseconds::max());
  EXPECT_EQ(detail::saturated_until(Hours::min(), now), nanoseconds::min());
  EXPECT_EQ(detail::saturated_until(Clock::time_point::max(), -now.time_since_epoch() + Clock::time_point()),
            nanoseconds::max());
}

TEST(TimeLimit, OfWhatIsNoNumberIsNegativeSoThatItIsRefused) {
  EXPECT_LT(TimeLimit(std::chrono::duration<double>(std::numeric_limits<double>::quiet_NaN())), 0ns);
  EXPECT_LT(TimeLimit(std::chrono::duration<float, std::nano>(std::numeric_limits<float>::quiet_NaN())), 0ns);
}

TEST(TimeLimit, IsMadeOfAnyDurationAndIsOne) {
  constexpr TaskOptions options{.timeout = 2h, .retries = 1};
  static_assert(options.timeout == 2h);
  const CallOptions forever{.timeout = std::chrono::hours::max()};
  EXPECT_EQ(*forever.timeout, Duration::max());
  const Duration plain = *forever.timeout;
  EXPECT_EQ(plain, Duration::max());
  EXPECT_EQ(std::chrono::duration_cast<std::chrono::minutes>(options.timeout), 120min);
  TimeLimit limit;
  EXPECT_EQ(limit, 0ns);
  limit = std::chrono::duration<double>(0.25);
  EXPECT_EQ(limit, 250ms);
}

}  // namespace
}  // namespace flame
