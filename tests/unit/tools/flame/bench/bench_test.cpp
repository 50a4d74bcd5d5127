// The arithmetic of `flame bench`.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "tools/flame/bench/figures.hpp"
#include "tools/flame/bench/measure.hpp"
#include "tools/flame/bench/paired.hpp"

namespace flame::bench {
namespace bench_test {

TEST(Quantile, IsTheValueBelowWhichTheShareLies) {
  EXPECT_EQ(quantile({5, 1, 4, 2, 3}, 0.0), 1);
  EXPECT_EQ(quantile({5, 1, 4, 2, 3}, 0.5), 3);
  EXPECT_EQ(quantile({5, 1, 4, 2, 3}, 1.0), 5);
  std::vector<double> hundred;
  for (int i = 100; i >= 0; --i) hundred.push_back(i);
  EXPECT_EQ(quantile(hundred, 0.99), 99);
  EXPECT_EQ(median({7}), 7);
}

TEST(Quantile, OfNothingIsNoNumber) {
  EXPECT_TRUE(std::isnan(quantile({}, 0.5)));
}

TEST(Figure, IsMetOnTheRightSideOfItsGoal) {
  EXPECT_TRUE((Figure{.name = "a", .value = 2.0, .goal = 2.0}.met()));
  EXPECT_FALSE((Figure{.name = "a", .value = 2.1, .goal = 2.0}.met()));
  EXPECT_TRUE((Figure{.name = "a", .value = 0.5, .goal = 0.5, .higher_is_better = true}.met()));
  EXPECT_FALSE((Figure{.name = "a", .value = 0.4, .goal = 0.5, .higher_is_better = true}.met()));
}

TEST(Figure, ThatCouldNotBeMeasuredIsNotMet) {
  EXPECT_FALSE((Figure{.name = "a", .value = 1.0, .goal = 2.0, .error = "no such file"}.met()));
  EXPECT_FALSE((Figure{.name = "a", .value = quantile({}, 0.5), .goal = 2.0}.met()));
}

TEST(Figure, OfTheMachineHasNoGoalToMiss) {
  EXPECT_TRUE((Figure{.name = "a", .value = 100, .goal = 1, .yardstick = true}.met()));
}

// Ratios around `centre`, as two builds beside each other on a busy machine give them.
std::vector<double> noisy(double centre, double spread, int count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<double> ratios;
  for (int i = 0; i < count; ++i)
    ratios.push_back(centre * std::exp(spread * (static_cast<double>(random()) / 2147483648.0 - 1)));
  return ratios;
}

TEST(Judge, AShiftOfFivePercentIsWorseWhereItStandsOutOfTheNoise) {
  const auto verdict = judge(noisy(1.05, 0.03, 15, 1));
  EXPECT_TRUE(verdict.worse) << verdict.median << " " << verdict.low << " " << verdict.high;
  EXPECT_GT(verdict.low, 1.0);
  EXPECT_LE(verdict.low, verdict.median);
  EXPECT_LE(verdict.median, verdict.high);
}

TEST(Judge, TheSameShiftIsNotWorseWhenTheIntervalHoldsOne) {
  // The median is over the limit, but seven of fifteen rounds say the opposite.
  const auto verdict = judge({0.9, 0.92, 0.94, 0.95, 0.96, 0.97, 0.98, 1.05, 1.06, 1.07, 1.1, 1.1, 1.1, 1.2, 1.2});
  EXPECT_EQ(verdict.median, 1.05);
  EXPECT_LT(verdict.low, 1.0);
  EXPECT_FALSE(verdict.worse);
}

TEST(Judge, TwoPercentAreNotWorseHoweverCertainTheyAre) {
  const auto verdict = judge(noisy(1.02, 0.001, 100, 2));
  EXPECT_GT(verdict.low, 1.0);
  EXPECT_FALSE(verdict.worse);
}

TEST(Judge, ExactlyTheLimitIsNotWorse) {
  EXPECT_FALSE(judge({1.03, 1.03, 1.03, 1.03, 1.03}).worse);
  EXPECT_TRUE(judge({1.031, 1.031, 1.031, 1.031, 1.031}).worse);
}

TEST(Judge, EqualBuildsAreSeldomCalledWorse) {
  int worse = 0;
  for (unsigned seed = 0; seed < 100; ++seed) worse += judge(noisy(1.0, 0.08, 15, seed)).worse ? 1 : 0;
  EXPECT_LE(worse, 5);
}

TEST(Judge, AFasterBuildIsBetter) {
  const auto verdict = judge(noisy(0.9, 0.03, 15, 3));
  EXPECT_TRUE(verdict.better);
  EXPECT_FALSE(verdict.worse);
}

TEST(Judge, TheMedianOfAnEvenNumberIsTheMiddleOfBoth) {
  EXPECT_EQ(judge({1.0, 2.0}).median, 1.5);
}

TEST(Judge, TheSameRatiosAndSeedGiveTheSameVerdict) {
  const auto ratios = noisy(1.04, 0.1, 15, 4);
  EXPECT_EQ(judge(ratios, 9).low, judge(ratios, 9).low);
  EXPECT_EQ(judge(ratios, 9).high, judge(ratios, 9).high);
}

TEST(Judge, RoundsThatGaveNoNumberCountForNothingAndNothingAtAllIsWorse) {
  const double none = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(judge({none, 1.0, -1.0, 0.0, std::numeric_limits<double>::infinity()}).median, 1.0);
  EXPECT_TRUE(judge({}).worse);
  EXPECT_TRUE(judge({none}).worse);
  EXPECT_TRUE(std::isnan(judge({}).median));
}

}  // namespace bench_test
}  // namespace flame::bench
