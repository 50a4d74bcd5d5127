// The arithmetic of `flame bench`.
#include <gtest/gtest.h>

#include <cmath>

#include "tools/flame/bench/figures.hpp"
#include "tools/flame/bench/measure.hpp"

namespace flame::bench {
namespace {

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

}  // namespace
}  // namespace flame::bench
