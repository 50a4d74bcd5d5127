// PoolPolicy: calls. FLAME's own scenarios, deadlines, cancellation, retries, queue bounds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugin_sdk/base/make_error.hpp"
#include "tests/unit/host/policy/pool_scenario.hpp"

namespace flame::pool {
namespace pool_policy_test {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(PoolPolicy, BootsOnDemandAndSendsTheWaitersInOrder) {
  PoolScenario pool(pool_config(0, 2, 2));
  EXPECT_THAT(pool.actions, IsEmpty());
  EXPECT_EQ(pool.submit(1).count<action::Boot>(), 1u);
  EXPECT_EQ(pool.submit(2).count<action::Boot>(), 0u) << "one boot serves both";
  EXPECT_THAT(pool.hello(1).sent(), ElementsAre(1, 2));
  EXPECT_EQ(pool.count<action::Admit>(), 1u);
  const auto done = pool.finish(1).all<action::Complete>();
  ASSERT_EQ(done.size(), 1u);
  EXPECT_EQ(done[0].call, 1u);
  EXPECT_FALSE(done[0].error);
  EXPECT_EQ(pool.policy.stats().slots_busy, 1u);
}

TEST(PoolPolicy, GrowsAsFlamesFirstTestDoes) {
  PoolScenario pool(pool_config(1, 2, 2));
  EXPECT_EQ(pool.count<action::Boot>(), 1u) << "min";
  EXPECT_EQ(pool.count<action::Callback>(), 0u) << "min boots tell nobody";
  pool.hello(1);
  EXPECT_THAT(pool.submit(1).sent(), ElementsAre(1));
  EXPECT_THAT(pool.submit(2).sent(), ElementsAre(2));
  EXPECT_EQ(pool.submit(3).count<action::Boot>(), 1u);
  EXPECT_EQ(pool.all<action::Callback>().at(0).count, 2u);
  EXPECT_THAT(pool.hello(2).sent(), ElementsAre(3));
  EXPECT_THAT(pool.submit(4).sent(), ElementsAre(4));
  pool.feed(event::Submit{.call = 5, .digest = 0, .budget = 100ms});
  EXPECT_EQ(pool.count<action::Boot>(), 0u) << "max is reached";
  EXPECT_EQ(pool.pass(100ms).failure(5), ErrorCode::queue_timed_out);
  pool.submit(6);
  EXPECT_THAT(pool.finish(1).sent(), ElementsAre(6)) << "a later call is served when a slot frees";
}

TEST(PoolPolicy, ServesOnlyAsManyAsARunnerHasSlots) {
  PoolScenario pool(pool_config(0, 1, 3));
  for (CallId call = 1; call <= 5; ++call) pool.submit(call);
  EXPECT_THAT(pool.hello(1).sent(), ElementsAre(1, 2, 3));
  EXPECT_THAT(pool.finish(2).sent(), ElementsAre(4));
}

TEST(PoolPolicy, RefusesTheCallerThatFindsTheQueueFull) {
  PoolConfig small = pool_config(0, 1, 1);
  small.max_queue = 2;
  PoolScenario pool(small);
  pool.submit(1).submit(2);
  EXPECT_EQ(pool.submit(3).failure(3), ErrorCode::queue_full);
  pool.hello(1);
  EXPECT_EQ(pool.submit(4).failure(4), ErrorCode::none) << "one left the queue";
  EXPECT_EQ(pool.submit(5).failure(5), ErrorCode::queue_full);
}

TEST(PoolPolicy, AwaitsAResultOfTheRunnerThatWasGivenTheCallOnly) {
  PoolScenario pool(pool_config(2, 2, 1));
  pool.submit(1);
  EXPECT_FALSE(pool.policy.awaits_result(1, 1)) << "it waits";
  pool.hello(1).hello(2);
  const RunnerId its = pool.where.at(1);
  EXPECT_TRUE(pool.policy.awaits_result(its, 1));
  EXPECT_FALSE(pool.policy.awaits_result(3 - its, 1));
  EXPECT_FALSE(pool.policy.awaits_result(its, 2));
  pool.finish(1);
  EXPECT_FALSE(pool.policy.awaits_result(its, 1)) << "it has one";
}

TEST(PoolPolicy, NeedsNoQueueForACallThatFindsASlot) {
  PoolConfig none = pool_config(1, 1, 1);
  none.max_queue = 0;
  PoolScenario pool(none);
  EXPECT_EQ(pool.submit(1).failure(1), ErrorCode::queue_full);
  pool.hello(1);
  EXPECT_THAT(pool.submit(2).sent(), ElementsAre(2));
  EXPECT_EQ(pool.submit(3).failure(3), ErrorCode::queue_full);
}

TEST(PoolPolicy, AnswersATimeoutAtOnceAndKeepsTheSlotUntilItHasEnded) {
  PoolScenario pool(pool_config(1, 1, 1));
  pool.hello(1);
  pool.feed(event::Submit{.call = 1, .digest = 0, .budget = 2s});
  pool.submit(2);
  EXPECT_EQ(pool.policy.next_wakeup(), pool.now + 2s);
  pool.pass(2s);
  EXPECT_EQ(pool.failure(1), ErrorCode::timed_out);
  ASSERT_EQ(pool.count<action::CancelRemote>(), 1u);
  EXPECT_EQ(pool.all<action::CancelRemote>()[0].reason, wire::CancelReason::timed_out);
  EXPECT_THAT(pool.sent(), IsEmpty()) << "the task still runs";
  EXPECT_EQ(pool.feed(event::Result{1, 1, std::nullopt}).count<action::Complete>(), 0u) << "too late";
  EXPECT_THAT(pool.feed(event::Ended{1, 1}).sent(), ElementsAre(2));
}

TEST(PoolPolicy, AResultAfterTheDeadlineIsNoneHoweverLateTheLoopIs) {
  PoolScenario pool(pool_config(1, 1, 1));
  pool.hello(1).feed(event::Submit{.call = 1, .digest = 0, .budget = 2s});
  pool.now += 2s;
  pool.feed(event::Result{1, 1, std::nullopt});
  EXPECT_EQ(pool.failure(1), ErrorCode::timed_out);
  EXPECT_EQ(pool.count<action::Complete>(), 1u);
  EXPECT_EQ(pool.count<action::CancelRemote>(), 1u) << "objects that it works on end with it";
}

TEST(PoolPolicy, SendsTheRestOfTheBudget) {
  PoolScenario pool(pool_config(0, 1, 1));
  pool.feed(event::Submit{.call = 1, .digest = 0, .budget = 10s});
  pool.now += 4s;
  EXPECT_EQ(pool.hello(1).all<action::Send>().at(0).remaining, 6s);
}

TEST(PoolPolicy, CancelsAWaiterWithoutAskingTheRunner) {
  PoolScenario pool(pool_config(0, 1, 1));
  pool.submit(1);
  EXPECT_EQ(pool.feed(event::Cancel{1}).failure(1), ErrorCode::cancelled);
  EXPECT_EQ(pool.count<action::CancelRemote>(), 0u);
  EXPECT_THAT(pool.hello(1).sent(), IsEmpty());
  EXPECT_EQ(pool.feed(event::Cancel{1}).count<action::Complete>(), 0u);
}

TEST(PoolPolicy, CancelsARunningCallRemotelyAndFreesItsSlotOnEnded) {
  PoolScenario pool(pool_config(1, 1, 1));
  pool.hello(1).submit(1).feed(event::Begun{1, 1});
  pool.feed(event::Cancel{1});
  EXPECT_EQ(pool.failure(1), ErrorCode::cancelled);
  EXPECT_EQ(pool.all<action::Complete>()[0].error->started, Started::yes);
  EXPECT_EQ(pool.count<action::CancelRemote>(), 1u);
  EXPECT_EQ(pool.policy.stats().slots_busy, 1u);
  pool.feed(event::Ended{1, 1});
  EXPECT_EQ(pool.policy.stats().slots_busy, 0u);
}

TEST(PoolPolicy, RetriesACrashedIdempotentCallAheadOfLaterOnes) {
  PoolScenario pool(pool_config(1, 1, 1));
  pool.hello(1).feed(event::Submit{.call = 1, .digest = 0, .retries = 1, .idempotent = true});
  pool.submit(2);
  pool.feed(event::Result{1, 1, base::make_error(ErrorCode::crashed, "boom")});
  EXPECT_EQ(pool.actions.size(), 1u) << "nothing to do before its slot is free";
  EXPECT_EQ(pool.count<action::AttemptFailed>(), 1u);
  pool.feed(event::Ended{1, 1});
  ASSERT_THAT(pool.sent(), ElementsAre(1));
  EXPECT_EQ(pool.all<action::Send>()[0].attempt, 2u);
  pool.feed(event::Result{1, 1, base::make_error(ErrorCode::crashed, "boom")});
  EXPECT_EQ(pool.failure(1), ErrorCode::crashed);
}

TEST(PoolPolicy, ReportsABootThatCannotSucceedToAllWaiters) {
  PoolScenario pool(pool_config(0, 2, 1));
  pool.submit(1).submit(2);
  pool.feed(event::BootFailed{1, base::make_error(ErrorCode::boot_failed, "no such image"), Remedy::permanent});
  EXPECT_EQ(pool.count<action::Complete>(), 0u) << "the other boot may still succeed";
  pool.feed(event::BootFailed{2, base::make_error(ErrorCode::boot_failed, "no such image"), Remedy::permanent});
  EXPECT_EQ(pool.failure(1), ErrorCode::boot_failed);
  EXPECT_EQ(pool.failure(2), ErrorCode::boot_failed);
  EXPECT_EQ(pool.submit(3).failure(3), ErrorCode::boot_failed) << "not worth waiting for before the next try";
  EXPECT_EQ(pool.pass(1250ms).submit(4).count<action::Boot>(), 1u);
}

TEST(PoolPolicy, LetsAFailedBootGoWithTheEndOfItsMachinesLog) {
  PoolScenario pool(pool_config(0, 1, 1));
  Error error = base::make_error(ErrorCode::boot_failed, "it has ended");
  error.log_tail = "exec format error";
  pool.submit(1).feed(event::BootFailed{1, error, Remedy::retry});
  ASSERT_EQ(pool.count<action::Destroy>(), 1u);
  EXPECT_EQ(pool.all<action::Destroy>()[0].reason, "it has ended");
  EXPECT_EQ(pool.all<action::Destroy>()[0].log_tail, "exec format error");
}

TEST(PoolPolicy, RetriesAFailedBootAfterASecondAndServesTheWaiter) {
  PoolScenario pool(pool_config(1, 2, 1));
  pool.hello(1).submit(1);
  EXPECT_EQ(pool.submit(2).all<action::Callback>().at(0).count, 2u);
  pool.feed(event::BootFailed{2, base::make_error(ErrorCode::boot_failed, "boom"), Remedy::retry});
  const auto ended = pool.all<action::Callback>().at(0);
  EXPECT_EQ(ended.kind, action::Callback::Kind::grow_end);
  EXPECT_EQ(ended.count, 1u);
  EXPECT_TRUE(ended.error);
  EXPECT_EQ(pool.count<action::Boot>(), 0u);
  const Duration wait = pool.policy.next_wakeup() - pool.now;
  EXPECT_GE(wait, 1s);
  EXPECT_LE(wait, 1250ms);
  EXPECT_EQ(pool.pass(wait).count<action::Boot>(), 1u);
  EXPECT_THAT(pool.hello(3).sent(), ElementsAre(2));
}

TEST(PoolPolicy, TellsAWaiterWhyNoRunnerCame) {
  PoolConfig slow = pool_config(0, 1, 1);
  slow.boot_timeout = 10s;
  PoolScenario pool(slow);
  pool.submit(1);
  pool.feed(event::MachineExited{1, "exit code 127"});
  pool.pass(10s);
  ASSERT_EQ(pool.failure(1), ErrorCode::boot_failed);
  EXPECT_THAT(pool.all<action::Complete>()[0].error->message, HasSubstr("exit code 127"));
}

TEST(PoolPolicy, DrainsWaitersAndWorkAndThenItsRunners) {
  PoolScenario pool(pool_config(1, 1, 1));
  pool.hello(1).submit(1).submit(2);
  pool.feed(event::Drain{30s});
  EXPECT_THAT(pool.actions, IsEmpty());
  EXPECT_EQ(pool.submit(3).failure(3), ErrorCode::shutting_down);
  EXPECT_THAT(pool.finish(1).sent(), ElementsAre(2));
  EXPECT_EQ(pool.finish(2).count<action::DrainRunner>(), 1u);
  EXPECT_EQ(pool.count<action::Drained>(), 0u);
  pool.feed(event::RunnerLost{1, "bye"});
  EXPECT_EQ(pool.count<action::Drained>(), 1u);
  EXPECT_EQ(pool.count<action::Boot>(), 0u) << "min does not hold for a drained pool";
  EXPECT_EQ(pool.pass(1h).count<action::Drained>(), 0u);
}

TEST(PoolPolicy, EndsWhatIsLeftWhenTheDrainGraceIsOver) {
  PoolScenario pool(pool_config(1, 1, 1));
  pool.hello(1).submit(1).submit(2);
  pool.feed(event::Drain{5s});
  EXPECT_EQ(pool.policy.next_wakeup(), pool.now + 5s);
  pool.pass(5s);
  EXPECT_EQ(pool.failure(1), ErrorCode::shutting_down);
  EXPECT_EQ(pool.failure(2), ErrorCode::shutting_down);
  EXPECT_EQ(pool.all<action::CancelRemote>().at(0).call, 1u);
  EXPECT_EQ(pool.count<action::DrainRunner>(), 1u);
  EXPECT_EQ(pool.pass(1s).count<action::Destroy>(), 1u) << "a runner that does not leave is destroyed";
  EXPECT_EQ(pool.count<action::Drained>(), 1u);
}

TEST(PoolPolicy, EndsEachGrowStartWithAGrowEndAlsoWhenItDrains) {
  PoolScenario pool(pool_config(0, 1, 1));
  EXPECT_EQ(pool.submit(1).all<action::Callback>().at(0).kind, action::Callback::Kind::grow_start);
  pool.feed(event::Drain{0s});
  const auto ended = pool.all<action::Callback>();
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].kind, action::Callback::Kind::grow_end);
  EXPECT_EQ(ended[0].error->code, ErrorCode::shutting_down);
  EXPECT_EQ(ended[0].count, 0u);
}

TEST(PoolPolicy, DestroysABootThatIsUnderWayWhenDrained) {
  PoolScenario pool(pool_config(1, 1, 1));
  pool.feed(event::Drain{5s});
  EXPECT_EQ(pool.count<action::Destroy>(), 1u);
  EXPECT_EQ(pool.count<action::Drained>(), 1u);
  EXPECT_EQ(pool.feed(event::BootOk{1}).count<action::Destroy>(), 1u) << "its machine is known only now";
}

}  // namespace pool_policy_test
}  // namespace flame::pool
