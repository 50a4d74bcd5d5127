// Which threads a slot keeps.
#include "runner/slot/kept_threads.hpp"

#include <gtest/gtest.h>

namespace flame::slot {
namespace kept_threads_test {

using Judgement = KeptThreads::Judgement;

constexpr std::uint64_t kTask = 1;
constexpr std::uint64_t kOther = 2;
constexpr std::uint32_t kAtStart = 3;

TEST(KeptThreadsTest, APoolThatIsMadeAtOnceStays) {
  KeptThreads threads(kAtStart);
  EXPECT_EQ(threads.call_ended(kTask, kAtStart + 64), Judgement::fine);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(threads.call_ended(kTask, kAtStart + 64), Judgement::fine);
  EXPECT_EQ(threads.kept(kAtStart + 64), 64U);
  EXPECT_EQ(threads.kept(kAtStart - 1), 0U);
}

TEST(KeptThreadsTest, AThreadMoreWithEachCallIsALeakAfterSoManyCalls) {
  KeptThreads threads(kAtStart);
  for (std::uint32_t i = 1; i < limits::kThreadGrowthMax; ++i) {
    ASSERT_EQ(threads.call_ended(kTask, kAtStart + i), Judgement::fine) << i;
  }
  EXPECT_EQ(threads.call_ended(kTask, kAtStart + limits::kThreadGrowthMax), Judgement::leak);
}

TEST(KeptThreadsTest, ACallWithoutGrowthBreaksTheRow) {
  KeptThreads threads(kAtStart);
  std::uint32_t now = kAtStart;
  for (std::uint32_t i = 1; i < limits::kThreadGrowthMax; ++i)
    ASSERT_EQ(threads.call_ended(kTask, ++now), Judgement::fine);
  EXPECT_EQ(threads.call_ended(kTask, now), Judgement::fine);
  for (std::uint32_t i = 1; i < limits::kThreadGrowthMax; ++i)
    ASSERT_EQ(threads.call_ended(kTask, ++now), Judgement::fine);
}

TEST(KeptThreadsTest, InnocentCallsBetweenThoseOfALeakingTaskDoNotHideIt) {
  KeptThreads threads(kAtStart);
  Judgement last = Judgement::fine;
  for (std::uint32_t i = 1; i <= limits::kThreadGrowthMax; ++i) {
    last = threads.call_ended(kTask, kAtStart + i);
    if (last != Judgement::fine) break;
    ASSERT_EQ(threads.call_ended(kOther, kAtStart + i), Judgement::fine);
  }
  EXPECT_EQ(last, Judgement::leak);
}

TEST(KeptThreadsTest, ANumberThatGoesUpAndDownIsNoGrowth) {
  KeptThreads threads(kAtStart);
  for (std::uint32_t i = 0; i < 4 * limits::kThreadGrowthMax; ++i) {
    ASSERT_EQ(threads.call_ended(kTask, kAtStart + 8 * (i % 2)), Judgement::fine);
  }
}

TEST(KeptThreadsTest, TooManyAreTooManyAtOnce) {
  KeptThreads threads(kAtStart);
  EXPECT_EQ(threads.call_ended(kTask, kAtStart + limits::kSlotThreadsMax), Judgement::fine);
  EXPECT_EQ(threads.call_ended(kTask, kAtStart + limits::kSlotThreadsMax + 1), Judgement::too_many);
}

}  // namespace kept_threads_test
}  // namespace flame::slot
