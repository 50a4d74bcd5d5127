// PoolPolicy: boots that wait in a backend's queue, the two clocks of a boot, and how long calls wait for them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/make_error.hpp"
#include "tests/unit/host/policy/pool_scenario.hpp"

namespace flame::pool {
namespace pool_phases_test {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;

/// boot_timeout 30 s, queue_timeout 5 min.
class PoolPhases : public testing::Test {
 protected:
  static PoolConfig config() {
    PoolConfig config = pool_config(0, 2, 1);
    config.backend = {"slurm", "fly"};
    config.queue_timeout = 5min;
    return config;
  }
  PoolScenario& reach(BootPhase phase, RunnerId runner = 1, const std::string& detail = {}) {
    return pool_.feed(event::BootReached{runner, phase, detail});
  }
  [[nodiscard]] RunnerState::Phase phase() const { return pool_.policy.runner_views(pool_.now).at(0).phase; }
  [[nodiscard]] std::string complaint(CallId call) const {
    for (const auto& complete : pool_.all<action::Complete>())
      if (complete.call == call && complete.error) return complete.error->message;
    return "";
  }

  PoolScenario pool_{config()};
};

TEST_F(PoolPhases, AQueuedBootHasItsOwnTimeAndThenTheWholeBootTimeout) {
  pool_.feed(event::Submit{.call = 1, .budget = 1h});
  EXPECT_EQ(phase(), RunnerState::Phase::booting);
  reach(BootPhase::queued);
  EXPECT_EQ(phase(), RunnerState::Phase::queued);
  EXPECT_EQ(pool_.pass(4min).policy.stats().boots_failed, 0U);
  reach(BootPhase::placed);
  EXPECT_EQ(phase(), RunnerState::Phase::booting);
  EXPECT_EQ(pool_.pass(29s).policy.stats().boots_failed, 0U);
  pool_.hello(1);
  EXPECT_EQ(pool_.sent(), std::vector<CallId>{1});
}

TEST_F(PoolPhases, ABootThatIsGivenUpTellsTheEndOfItsMachinesLog) {
  pool_.feed(event::Submit{.call = 1});
  EXPECT_EQ(pool_.pass(28s - 1ms).count<action::AskLog>(), 0U);
  EXPECT_EQ(pool_.policy.next_wakeup(), pool_.now + 1ms);
  pool_.pass(1ms);
  ASSERT_EQ(pool_.count<action::AskLog>(), 1U);
  EXPECT_EQ(pool_.all<action::AskLog>()[0].runner, 1U);
  EXPECT_EQ(pool_.policy.next_wakeup(), pool_.now + limits::kBootLogWait);
  EXPECT_EQ(pool_.policy.stats().booting, 1U) << "it may still dial in";
  EXPECT_EQ(pool_.feed(event::BootLog{1, "no route to host"}).count<action::AskLog>(), 0U);
  EXPECT_EQ(pool_.pass(2s).policy.stats().boots_failed, 1U);
  ASSERT_EQ(pool_.count<action::Destroy>(), 1U);
  EXPECT_EQ(pool_.all<action::Destroy>()[0].log_tail, "no route to host");
  ASSERT_EQ(pool_.count<action::Complete>(), 1U) << "it has waited just as long";
  const Error error = *pool_.all<action::Complete>()[0].error;
  EXPECT_EQ(error.log_tail, "no route to host");
  EXPECT_THAT(error.message, HasSubstr("did not dial in within boot_timeout (30.0 s)"));
}

TEST_F(PoolPhases, ABootIsGivenUpInTimeAlsoIfItsBackendNeverTellsOfItsLog) {
  pool_.feed(event::Submit{.call = 1, .budget = 1h});
  reach(BootPhase::pulling);
  EXPECT_EQ(pool_.pass(28s).count<action::AskLog>(), 1U);
  EXPECT_EQ(pool_.pass(2s - 1ms).count<action::Destroy>(), 0U);
  pool_.pass(1ms);
  ASSERT_EQ(pool_.count<action::Destroy>(), 1U);
  EXPECT_THAT(pool_.all<action::Destroy>()[0].reason, HasSubstr("its machine was pulling for 30.0 s"));
  EXPECT_EQ(pool_.all<action::Destroy>()[0].log_tail, "");
  EXPECT_EQ(pool_.feed(event::BootLog{1, "late"}).count<action::Destroy>(), 0U);
}

TEST_F(PoolPhases, TheLogOfAMachineIsNotToldOfAnother) {
  pool_.feed(event::Submit{.call = 1, .budget = 1h}).pass(28s);
  pool_.feed(event::BootLog{1, "of slurm"});
  pool_.feed(event::BootFailed{1, base::make_error(ErrorCode::boot_failed, "no room"), Remedy::elsewhere, {}});
  ASSERT_EQ(pool_.count<action::Boot>(), 1U);
  EXPECT_EQ(pool_.pass(28s).count<action::AskLog>(), 1U) << "of fly";
  pool_.pass(2s);
  ASSERT_EQ(pool_.count<action::Destroy>(), 1U);
  EXPECT_EQ(pool_.all<action::Destroy>()[0].log_tail, "");
}

TEST_F(PoolPhases, NoLogIsAskedForOfABootThatIsQueuedOrOfARunnerThatIsThere) {
  pool_.feed(event::Submit{.call = 1, .budget = 1h});
  reach(BootPhase::queued);
  EXPECT_EQ(pool_.pass(5min - 1ms).count<action::AskLog>(), 0U) << "there is no machine";
  reach(BootPhase::placed);
  pool_.hello(1);
  EXPECT_EQ(pool_.pass(28s).count<action::AskLog>(), 0U);
}

TEST_F(PoolPhases, ABootThatIsQueuedForTooLongIsDestroyedAndSaysSo) {
  pool_.feed(event::Submit{.call = 1, .budget = 1h});
  reach(BootPhase::queued, 1, "Priority");
  EXPECT_EQ(pool_.pass(5min - 1ms).count<action::Destroy>(), 0U);
  pool_.pass(1ms);
  ASSERT_EQ(pool_.count<action::Destroy>(), 1U);
  const std::string why = pool_.all<action::Destroy>()[0].reason;
  EXPECT_THAT(why, AllOf(HasSubstr("queue_timeout (300.0 s)"), HasSubstr("queued for 300.0 s (Priority)")));
  ASSERT_EQ(pool_.count<action::Callback>(), 2U) << "it has failed, and another backend is asked";
  EXPECT_EQ(pool_.all<action::Callback>()[0].error->message, why);
  EXPECT_EQ(pool_.all<action::Callback>()[0].backend, 0U);
  EXPECT_EQ(pool_.all<action::Boot>().at(0).backend, 1U);
}

TEST_F(PoolPhases, AnOverdueBootSaysInWhichPhaseItWas) {
  pool_.feed(event::Submit{.call = 1, .budget = 1h});
  reach(BootPhase::queued);
  pool_.pass(1min);
  reach(BootPhase::pulling, 1, "12 of 80 MB");
  pool_.pass(30s);
  EXPECT_THAT(pool_.all<action::Destroy>().at(0).reason, HasSubstr("its machine was pulling for 30.0 s (12 of 80 MB)"));
}

TEST_F(PoolPhases, ACallWithoutALimitWaitsWhileItsBootIsQueued) {
  pool_.submit(1);
  pool_.pass(10s);
  reach(BootPhase::queued);
  pool_.pass(4min);
  EXPECT_EQ(pool_.failure(1), ErrorCode::none);
  reach(BootPhase::placed);
  EXPECT_EQ(pool_.pass(20s - 1ms).failure(1), ErrorCode::none);
  EXPECT_EQ(pool_.pass(1ms).failure(1), ErrorCode::queue_timed_out) << "30 s without those in the queue";
}

TEST_F(PoolPhases, ACallThatComesWhileABootIsQueuedHasItsWholeTimeAfterIt) {
  pool_.submit(1);
  reach(BootPhase::queued);
  pool_.pass(1min).submit(2);
  reach(BootPhase::queued, 2);
  pool_.pass(1min);
  reach(BootPhase::starting);
  pool_.pass(1min);
  EXPECT_EQ(pool_.failure(1), ErrorCode::none) << "the other one is still queued";
  EXPECT_EQ(pool_.failure(2), ErrorCode::none);
  reach(BootPhase::starting, 2);
  pool_.pass(30s - 1ms);
  EXPECT_EQ(pool_.failure(1), ErrorCode::none);
  EXPECT_EQ(pool_.failure(2), ErrorCode::none);
  pool_.pass(1ms);
  EXPECT_NE(pool_.failure(1), ErrorCode::none);
  EXPECT_NE(pool_.failure(2), ErrorCode::none);
}

TEST_F(PoolPhases, ACallWithoutALimitWaitsForQueueTimeoutMoreAtMost) {
  pool_.submit(1);
  reach(BootPhase::queued);
  pool_.pass(4min).feed(event::BootFailed{1, Error{}, Remedy::retry});
  reach(BootPhase::queued, 2);
  EXPECT_EQ(pool_.pass(90s - 1ms).failure(1), ErrorCode::none);
  EXPECT_EQ(pool_.policy.next_wakeup(), pool_.now + 1ms);
  EXPECT_EQ(pool_.pass(1ms).failure(1), ErrorCode::boot_failed) << "30 s and 5 min";
}

TEST_F(PoolPhases, ACallSaysThatAMachineIsQueuedFor) {
  pool_.feed(event::Submit{.call = 1, .budget = 1min});
  pool_.hello(1);
  pool_.feed(event::Submit{.call = 2, .budget = 1min});
  reach(BootPhase::queued, 2, "Priority");
  pool_.pass_alive(1min, {1});
  EXPECT_THAT(complaint(2), HasSubstr("a machine is queued for since 60 s (backend \"slurm\": Priority)"));
}

TEST_F(PoolPhases, ACallWithALimitKeepsIt) {
  pool_.feed(event::Submit{.call = 1, .budget = 40s});
  reach(BootPhase::queued);
  EXPECT_EQ(pool_.pass(40s - 1ms).failure(1), ErrorCode::none);
  EXPECT_NE(pool_.pass(1ms).failure(1), ErrorCode::none);
}

TEST_F(PoolPhases, AQueuedBootThatIsGivenUpLetsTheTimeOfCallsGoOn) {
  pool_.submit(1);
  reach(BootPhase::queued);
  pool_.pass(1min);
  pool_.feed(event::BootFailed{1, base::make_error(ErrorCode::boot_failed, "no such partition"), Remedy::elsewhere});
  ASSERT_EQ(pool_.count<action::Boot>(), 1U);
  EXPECT_EQ(phase(), RunnerState::Phase::booting) << "it is not queued there";
  EXPECT_EQ(pool_.pass(30s).failure(1), ErrorCode::boot_failed);
}

TEST_F(PoolPhases, AMachineThatIsThereIsNotQueuedForWhateverItsBackendHasLeftOut) {
  pool_.submit(1);
  reach(BootPhase::queued);
  pool_.pass(2min).feed(event::BootOk{1});
  EXPECT_EQ(phase(), RunnerState::Phase::booting);
  EXPECT_EQ(pool_.pass(30s - 1ms).policy.stats().boots_failed, 0U);
  EXPECT_EQ(pool_.pass(1ms).policy.stats().boots_failed, 1U);
}

TEST_F(PoolPhases, AHelloEndsTheQueueToo) {
  pool_.submit(1);
  reach(BootPhase::queued);
  pool_.pass(2min).hello(1);
  EXPECT_EQ(pool_.sent(), std::vector<CallId>{1});
  pool_.submit(2).feed(event::BootFailed{2, Error{}, Remedy::retry});
  EXPECT_NE(pool_.pass_alive(30s, {1}).failure(2), ErrorCode::none) << "nothing is queued for any more";
}

TEST_F(PoolPhases, WhatComesLateChangesNothing) {
  reach(BootPhase::queued, 7);
  pool_.submit(1).hello(1);
  reach(BootPhase::queued);
  EXPECT_EQ(phase(), RunnerState::Phase::ready);
}

}  // namespace pool_phases_test
}  // namespace flame::pool
