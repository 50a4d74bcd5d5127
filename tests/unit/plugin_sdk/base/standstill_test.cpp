// Standstill: own pauses are known by the clock.
#include "plugin_sdk/base/standstill.hpp"

#include <gtest/gtest.h>

namespace flame::base {
namespace {

using namespace std::chrono_literals;

TEST(Standstill, APauseThatIsLongerThanItMayBeIsToldOnce) {
  Standstill standstill(2s);
  constexpr Instant kStart{100s};
  EXPECT_EQ(standstill.seen(kStart), 0s) << "nothing is known of the time before";
  EXPECT_EQ(standstill.seen(kStart + 2s), 0s);
  EXPECT_EQ(standstill.seen(kStart + 19s), 17s);
  EXPECT_EQ(standstill.seen(kStart + 19s), 0s);
}

TEST(Standstill, PutsADeadlineOffByThePauseButNotBeyondABeginNow) {
  const Instant begin{1000s};
  const Instant now = begin + 100s;
  EXPECT_EQ(put_off(begin + 10s, 95s, now, 10s), begin + 105s);
  EXPECT_EQ(put_off(begin + 10s, 1h, now, 10s), now + 10s);
  EXPECT_EQ(put_off(kNever, 1h, now, 10s), kNever);
}

}  // namespace
}  // namespace flame::base
