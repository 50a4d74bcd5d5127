// Elastic: FLAME's growth figures, the minimum, and who may retire.
#include "host/src/policy/elastic.hpp"

#include <gtest/gtest.h>

namespace flame::pool {
namespace elastic_test {

using namespace std::chrono_literals;

constexpr Instant kStart{};

Elastic::Options options(std::uint32_t min, std::uint32_t max, std::uint32_t capacity) {
  return {.min = min, .max = max, .capacity = capacity, .idle = 30s};
}

Elastic::Counts serving(std::uint32_t runners) {
  return {.runners = runners, .serving = runners, .free = runners};
}

TEST(Elastic, BootsOneRunnerPerCWaiters) {
  Elastic elastic(options(0, 10, 2));
  EXPECT_EQ(elastic.plan({.waiting = 0}, kStart).boots, 0u);
  EXPECT_EQ(elastic.plan({.waiting = 1}, kStart).boots, 1u);
  EXPECT_EQ(elastic.plan({.waiting = 2, .booting = 1}, kStart).boots, 0u) << "the second waiter only queues";
  EXPECT_EQ(elastic.plan({.waiting = 3, .booting = 1}, kStart).boots, 1u) << "the third boots another";
}

TEST(Elastic, NeverExceedsMax) {
  Elastic elastic(options(0, 4, 1));
  EXPECT_EQ(elastic.plan({.waiting = 100}, kStart).boots, 4u);
  EXPECT_EQ(elastic.plan({.waiting = 100, .runners = 2, .serving = 1, .booting = 1}, kStart).boots, 1u);
  EXPECT_EQ(elastic.plan({.waiting = 100, .runners = 5, .serving = 5}, kStart).boots, 0u) << "above max after a resize";
}

TEST(Elastic, BootsAgainAfterALossWithoutANewCall) {
  Elastic elastic(options(0, 1, 1));
  EXPECT_EQ(elastic.plan({.waiting = 1, .runners = 1, .serving = 1}, kStart).boots, 0u);
  EXPECT_EQ(elastic.plan({.waiting = 1}, kStart).boots, 1u);
}

TEST(Elastic, KeepsTheMinimumUp) {
  Elastic elastic(options(3, 5, 10));
  Elastic::Plan plan = elastic.plan({}, kStart);
  EXPECT_EQ(plan.boots, 3u);
  EXPECT_EQ(plan.for_min, 3u);
  plan = elastic.plan({.runners = 3, .serving = 2}, kStart);
  EXPECT_EQ(plan.boots, 1u) << "a draining runner does not count for the minimum";
  plan = elastic.plan({.waiting = 11, .runners = 2, .serving = 2}, kStart);
  EXPECT_EQ(plan.boots, 2u);
  EXPECT_EQ(plan.for_min, 0u) << "demand asks for these anyway";
}

TEST(Elastic, BootsForCallsThatNoBootingRunnerCanHelp) {
  const Elastic elastic(options(0, 4, 100));
  EXPECT_EQ(elastic.plan({.waiting = 2, .unhelped = 0, .booting = 1}, kStart).boots, 0u);
  EXPECT_EQ(elastic.plan({.waiting = 2, .unhelped = 1, .booting = 1}, kStart).boots, 1u);
  EXPECT_EQ(elastic.plan({.waiting = 2, .unhelped = 2, .booting = 0}, kStart).boots, 1u);
}

TEST(Elastic, KeepsSlotsFreeForExpectedCallsUntilTheyHaveCome) {
  Elastic elastic(options(0, 10, 2));
  elastic.expect(7, kStart + 10s);
  EXPECT_EQ(elastic.plan({.runners = 1, .serving = 1, .free = 2}, kStart).boots, 3u);
  EXPECT_EQ(elastic.plan({.runners = 1, .serving = 1, .booting = 3, .free = 2}, kStart).boots, 0u);
  EXPECT_EQ(elastic.plan({.runners = 1, .serving = 1, .booting = 2, .free = 2}, kStart).boots, 1u) << "one has failed";
  EXPECT_FALSE(elastic.may_retire({.runners = 4, .serving = 4, .free = 8}, 30s, kStart)) << "six slots are too few";
  for (int i = 0; i < 3; ++i) elastic.arrived();
  EXPECT_TRUE(elastic.may_retire({.runners = 4, .serving = 4, .free = 6}, 30s, kStart)) << "four more are expected";
  EXPECT_EQ(elastic.plan({.waiting = 3, .runners = 2, .serving = 2}, kStart).boots, 4u) << "those beside the waiting";
}

TEST(Elastic, ForgetsAnExpectationWhenItsTimeHasPassed) {
  Elastic elastic(options(0, 10, 2));
  elastic.expect(7, kStart + 10s);
  EXPECT_EQ(elastic.plan({}, kStart + 10s - 1ns).boots, 4u);
  EXPECT_EQ(elastic.plan({}, kStart + 10s).boots, 0u);
  EXPECT_TRUE(elastic.may_retire({.runners = 1, .serving = 1, .free = 2}, 30s, kStart + 10s));
  elastic.expect(7, kStart + 20s);
  elastic.expect(0, kStart + 1h);
  EXPECT_EQ(elastic.plan({}, kStart + 11s).boots, 0u) << "taken back";
}

TEST(Elastic, KeepsWarmSlotsAboveDemand) {
  Elastic::Options warm = options(0, 4, 2);
  warm.warm = 3;
  Elastic elastic(warm);
  EXPECT_EQ(elastic.plan({}, kStart).boots, 2u) << "without any call";
  EXPECT_EQ(elastic.plan({.runners = 2, .serving = 2, .free = 4}, kStart).boots, 0u);
  EXPECT_EQ(elastic.plan({.runners = 2, .serving = 2, .free = 2}, kStart).boots, 1u) << "two calls run";
  EXPECT_EQ(elastic.plan({.waiting = 1, .runners = 2, .serving = 2}, kStart).boots, 2u)
      << "for the waiter, and three more";
  EXPECT_EQ(elastic.plan({.waiting = 9, .runners = 3, .serving = 3}, kStart).boots, 1u) << "within max";
  EXPECT_FALSE(elastic.may_retire({.runners = 2, .serving = 2, .free = 4}, 24h, kStart));
  EXPECT_TRUE(elastic.may_retire({.runners = 3, .serving = 3, .free = 5}, 30s, kStart));
  EXPECT_TRUE(elastic.may_retire({.runners = 3, .serving = 2, .booting = 1, .free = 4}, 30s, kStart))
      << "one is coming";
  elastic.close();
  EXPECT_EQ(elastic.plan({}, kStart).boots, 0u);
}

TEST(Elastic, KeepsNothingUpInARunnerWhereNoCallAsksForIt) {
  Elastic::Options inside = options(2, 4, 1);
  inside.warm = 1;
  inside.nested = true;
  Elastic elastic(inside);
  EXPECT_EQ(elastic.min(), 0u);
  EXPECT_EQ(elastic.plan({}, kStart).boots, 0u);
  elastic.resize(3, 5);
  EXPECT_EQ(elastic.min(), 0u);
  EXPECT_EQ(elastic.plan({}, kStart).boots, 0u);
  EXPECT_EQ(elastic.plan({.waiting = 9}, kStart).boots, 5u) << "calls get what they need";
}

TEST(Elastic, KeepsTheBoundsThatItShowsWhenItHasClosed) {
  Elastic elastic(options(1, 2, 1));
  elastic.close();
  elastic.expect(1, kNever);
  EXPECT_EQ(elastic.min(), 1u);
  EXPECT_EQ(elastic.plan({}, kStart).boots, 0u);
  elastic.resize(2, 3);
  EXPECT_EQ(elastic.plan({}, kStart).boots, 0u);
}

TEST(Elastic, FollowsResize) {
  Elastic elastic(options(0, 2, 1));
  elastic.resize(1, 5);
  EXPECT_EQ(elastic.plan({}, kStart).boots, 1u);
  EXPECT_EQ(elastic.plan({.waiting = 9}, kStart).boots, 5u);
}

TEST(Elastic, LetsSurplusRunnersRetireAndKeepsTheMinimum) {
  Elastic elastic(options(1, 3, 1));
  EXPECT_EQ(elastic.ask_after(), 30s);
  EXPECT_TRUE(elastic.may_retire(serving(2), 30s, kStart));
  EXPECT_FALSE(elastic.may_retire(serving(1), 24h, kStart));
}

TEST(Elastic, ReleasesMinRunnersAfterMinIdleAndBringsThemBackWithTheNextCall) {
  Elastic::Options with_min_idle = options(1, 3, 1);
  with_min_idle.min_idle = 5min;
  Elastic elastic(with_min_idle);
  EXPECT_FALSE(elastic.may_retire(serving(1), 4min, kStart));
  EXPECT_TRUE(elastic.may_retire(serving(1), 5min - 1ms, kStart)) << "the runner's clock is not exactly ours";
  elastic.retired(1);
  EXPECT_EQ(elastic.plan({}, kStart).boots, 0u) << "no boot right after an idle min runner left";
  elastic.arrived();
  EXPECT_EQ(elastic.plan({}, kStart).boots, 1u);
}

TEST(Elastic, NeverLetsRunnersGoWhenIdleIsInfinite) {
  Elastic::Options forever = options(0, 3, 1);
  forever.idle = kForever;
  Elastic elastic(forever);
  EXPECT_EQ(elastic.ask_after(), kForever);
  EXPECT_FALSE(elastic.may_retire(serving(2), 24h, kStart));
}

}  // namespace elastic_test
}  // namespace flame::pool
