// PoolPolicy: calls that were made for a version, and come when it is replaced and nobody has it any more.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/host/policy/versions_scenario.hpp"

namespace flame::pool {
namespace late_calls_test {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(LateCalls, OneIsServedByTheOldVersionThatItWasMadeFor) {
  Versions pool = pool_of(1, 1);
  pool.prepare().loaded(1).switch_over();
  EXPECT_THAT(pool.ends(), ElementsAre(1));
  pool.call(1, kOld);
  EXPECT_EQ(pool.count<action::DrainRunner>(), 0u) << "it will have room soon";
  EXPECT_THAT(pool.ended(1).loads(kOld), ElementsAre(1));
  EXPECT_THAT(pool.loaded(1, kOld).sent(), ElementsAre(1));
  EXPECT_EQ(pool.where.at(1), 1u);
  EXPECT_THAT(pool.finish(1).ends(), ElementsAre(1));
}

TEST(LateCalls, OnlyOneRunnerLoadsTheOldVersionForOneAndNobodyBoots) {
  Versions pool = pool_of(2, 4);
  pool.prepare().loaded(1).loaded(2).switch_over().ended(1).ended(2);
  pool.call(1, kOld);
  EXPECT_THAT(pool.loads(kOld), ElementsAre(1));
  EXPECT_EQ(pool.count<action::Boot>(), 0u);
  EXPECT_EQ(pool.call(2, kOld).count<action::Boot>(), 1u) << "more than it has slots for";
  EXPECT_THAT(pool.loads(kOld), IsEmpty());
}

TEST(LateCalls, NoRunnerIsGivenAwayForThemHoweverManyTheyAre) {
  Versions pool = pool_of(1, 1);
  pool.prepare().loaded(1).switch_over();
  for (CallId late = 1; late <= 4; ++late)
    EXPECT_EQ(pool.call(late, kOld).count<action::DrainRunner>(), 0u) << late << " wait";
  EXPECT_EQ(pool.ended(1).count<action::DrainRunner>(), 0u);
  EXPECT_THAT(pool.loaded(1, kOld).sent(), ElementsAre(1));
}

TEST(LateCalls, TheyTakeTurnsWhileOtherRunnersIdle) {
  Versions pool = pool_of(2, 2);
  pool.prepare().loaded(1).loaded(2).switch_over().ended(1).ended(2);
  for (CallId late = 1; late <= 3; ++late) pool.call(late, kOld);
  EXPECT_THAT(pool.loaded(1, kOld).sent(), ElementsAre(1));
  EXPECT_EQ(pool.count<action::DrainRunner>(), 0u);
  EXPECT_THAT(pool.finish(1).sent(), ElementsAre(2));
  EXPECT_EQ(pool.count<action::DrainRunner>(), 0u);
}

}  // namespace late_calls_test
}  // namespace flame::pool
