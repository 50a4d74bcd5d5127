// UnprovenCalls: kept until the proof or the time, whichever comes first.
#include "host/src/policy/unproven_calls.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace flame::pool {
namespace unproven_calls_test {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr Instant kStart{1h};

TEST(UnprovenCalls, AreGivenBackOnceTheirRunnerIsProvenDead) {
  UnprovenCalls lost;
  lost.add(1, {7, 8}, kStart + 10s);
  EXPECT_THAT(lost.take(2), IsEmpty());
  EXPECT_THAT(lost.take(1), ElementsAre(7, 8));
  EXPECT_THAT(lost.take(1), IsEmpty());
  EXPECT_EQ(lost.next(), kNever) << "nothing stale stays behind";
}

TEST(UnprovenCalls, AreDueWhenNothingOfThemCanBeLeft) {
  UnprovenCalls lost;
  lost.add(1, {7}, kStart + 10s);
  lost.add(2, {8}, kStart + 5s);
  EXPECT_EQ(lost.next(), kStart + 5s);
  EXPECT_EQ(lost.pop_due(kStart + 5s - 1ns), std::nullopt);
  EXPECT_EQ(lost.pop_due(kStart + 5s), 2U);
  EXPECT_THAT(lost.take(2), ElementsAre(8));
  EXPECT_EQ(lost.pop_due(kStart + 5s), std::nullopt);
  lost.clear();
  EXPECT_EQ(lost.next(), kNever);
}

TEST(UnprovenCalls, WaitLongerByWhatThisProcessStoodStill) {
  UnprovenCalls lost;
  lost.add(1, {7}, kStart + 10s);
  lost.stood_still(1min);
  EXPECT_EQ(lost.pop_due(kStart + 10s), std::nullopt);
  EXPECT_EQ(lost.pop_due(kStart + 70s), 1U);
}

}  // namespace unproven_calls_test
}  // namespace flame::pool
