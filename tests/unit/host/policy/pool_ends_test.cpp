// PoolPolicy: machines that end at a known time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/host/policy/pool_scenario.hpp"

namespace flame::pool {
namespace pool_ends_test {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

/// Calls of this pool may take 30 s by themselves; runners get 30 s to end.
class PoolEnds : public testing::Test {
 protected:
  static PoolConfig config(const std::vector<std::string>& backends) {
    PoolConfig config = pool_config(0, 3, 1);
    config.backend = backends;
    return config;
  }
  PoolScenario& submit(CallId call, Duration budget) {
    return pool_.feed(event::Submit{.call = call, .digest = PoolScenario::kPlugin, .budget = budget});
  }
  /// The runner dials in, and its machine ends in so long.
  PoolScenario& boot(RunnerId runner, Duration ends_in) {
    return pool_.feed(event::BootOk{runner}).feed(event::MachineEnds{runner, ends_in, true}).hello(runner);
  }
  PoolScenario& notice(RunnerId runner, Duration left) { return pool_.feed(event::MachineEnds{runner, left}); }

  PoolScenario pool_{config({"slurm"})};
};

TEST_F(PoolEnds, ARunnerDrainsForShutdownTimeoutBeforeItsMachineEnds) {
  submit(1, 20s);
  boot(1, 10min);
  pool_.finish(1);
  EXPECT_EQ(pool_.policy.runner_views(pool_.now).at(0).ends_in, 10min);
  EXPECT_EQ(pool_.pass_alive(9min + 29s, {1}).count<action::DrainRunner>(), 0U);
  pool_.pass_alive(1s, {1});
  ASSERT_EQ(pool_.count<action::DrainRunner>(), 1U);
  EXPECT_EQ(pool_.all<action::DrainRunner>()[0].grace, 30s);
  EXPECT_EQ(submit(2, 20s).count<action::Boot>(), 1U) << "no further call goes there";
}

TEST_F(PoolEnds, ANoticeReplacesTheEndThatWasKnown) {
  submit(1, 20s);
  boot(1, 10min);
  pool_.finish(1);
  notice(1, 2min);
  EXPECT_EQ(pool_.pass_alive(89s, {1}).count<action::DrainRunner>(), 0U);
  EXPECT_EQ(pool_.pass_alive(1s, {1}).count<action::DrainRunner>(), 1U);
}

TEST_F(PoolEnds, ANoticeThatIsShorterThanShutdownTimeoutDrainsAtOnceForWhatIsLeft) {
  submit(1, 20s);
  boot(1, kForever);
  notice(1, 5s);
  ASSERT_EQ(pool_.count<action::DrainRunner>(), 1U);
  EXPECT_EQ(pool_.all<action::DrainRunner>()[0].grace, 5s);
}

TEST_F(PoolEnds, ACallGoesOnlyWhereItsLimitEndsInTime) {
  submit(1, 20s);
  boot(1, 2min);
  pool_.finish(1).pass_alive(30s, {1});
  EXPECT_EQ(submit(2, 90s).sent(), std::vector<CallId>{2}) << "just in time";
  pool_.finish(2);
  submit(3, 91s);
  EXPECT_TRUE(pool_.sent().empty());
  ASSERT_EQ(pool_.count<action::Boot>(), 1U) << "for a machine that is fresh";
  EXPECT_EQ(submit(4, 10s).sent(), std::vector<CallId>{4}) << "it does not wait behind the other";
  EXPECT_EQ(boot(2, 2min).sent(), std::vector<CallId>{3});
}

TEST_F(PoolEnds, ACallWithoutALimitOfItsOwnMayTakeThePoolsTimeout) {
  submit(1, 20s);
  boot(1, 2min);
  pool_.finish(1).pass_alive(85s, {1});
  EXPECT_EQ(pool_.feed(event::Submit{.call = 2, .digest = PoolScenario::kPlugin}).sent(), std::vector<CallId>{2});
}

TEST_F(PoolEnds, ACallWithoutALimitGoesToAMachineThatEndsOnlyWhereThePoolHasNoOthers) {
  submit(1, 20s);
  boot(1, 10min);
  pool_.finish(1);
  EXPECT_EQ(submit(2, kForever).sent(), std::vector<CallId>{2});
}

TEST_F(PoolEnds, AChildIsPlacedLikeACallWithoutALimit) {
  pool_ = PoolScenario(config({"slurm", "fly"}));
  submit(1, 20s);
  boot(1, 10min);
  pool_.finish(1);
  pool_.feed(event::Submit{.call = 2, .digest = PoolScenario::kPlugin, .budget = 20s, .child = true});
  EXPECT_TRUE(pool_.sent().empty()) << "it lives on when its call has ended";
  ASSERT_EQ(pool_.count<action::Boot>(), 1U);
  EXPECT_EQ(pool_.all<action::Boot>()[0].backend, 1U);
  EXPECT_EQ(pool_.hello(2).sent(), std::vector<CallId>{2});
}

TEST_F(PoolEnds, ACallThatWouldOutliveEveryMachineFailsAtOnce) {
  submit(1, 20s);
  EXPECT_EQ(submit(2, 1h).failure(2), ErrorCode::none) << "nothing is known yet";
  boot(1, 10min);
  EXPECT_EQ(submit(3, 11min).failure(3), ErrorCode::invalid_argument);
  EXPECT_THAT(pool_.all<action::Complete>().at(0).error->message, HasSubstr("660.0 s"));
  EXPECT_EQ(submit(4, 10min).failure(4), ErrorCode::none);
}

TEST_F(PoolEnds, ABootForALongCallGoesToABackendWhoseMachinesLiveLongEnough) {
  pool_ = PoolScenario(config({"slurm", "fly"}));
  submit(1, 20s);
  boot(1, 10min);
  submit(2, 1h);
  ASSERT_EQ(pool_.count<action::Boot>(), 1U);
  EXPECT_EQ(pool_.all<action::Boot>()[0].backend, 1U);
  submit(3, 20s);
  ASSERT_EQ(pool_.count<action::Boot>(), 1U);
  pool_.finish(1);
  EXPECT_EQ(pool_.sent(), std::vector<CallId>{3}) << "the other one waits for its machine";
  EXPECT_EQ(pool_.hello(2).sent(), std::vector<CallId>{2});
}

}  // namespace pool_ends_test
}  // namespace flame::pool
