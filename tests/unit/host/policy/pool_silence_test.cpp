// PoolPolicy: runners that are silent although their connection lives, and a host that stood still itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugin_sdk/base/limits.hpp"
#include "tests/unit/host/policy/pool_scenario.hpp"

namespace flame::pool {
namespace pool_silence_test {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr DigestId kPlugin = PoolScenario::kPlugin;

PoolScenario& local_hello(PoolScenario& pool, RunnerId runner) {
  return pool.feed(event::RunnerHello{runner, {{kPlugin, std::nullopt}}, true});
}

PoolScenario& submit(PoolScenario& pool, CallId call) {
  return pool.feed(event::Submit{.call = call, .digest = kPlugin, .budget = kForever});
}

TEST(PoolSilence, OverIpcASilentRunnerKeepsItsCallsAndGetsNoNewOnes) {
  PoolScenario pool(pool_config(1, 1, 2));
  submit(local_hello(pool, 1), 1);
  EXPECT_THAT(pool.sent(), ElementsAre(1));
  pool.pass(15s);
  EXPECT_THAT(pool.all<action::Quiet>(), testing::SizeIs(1));
  EXPECT_EQ(pool.count<action::Destroy>(), 0U);
  submit(pool, 2);
  EXPECT_THAT(pool.sent(), IsEmpty());
  EXPECT_EQ(pool.policy.stats().silent, 1U);
  EXPECT_EQ(pool.policy.stats().draining, 0U);
  const auto views = pool.policy.runner_views(pool.now);
  ASSERT_EQ(views.size(), 1U);
  EXPECT_EQ(views[0].quiet, 15s);
  pool.pass(24h).feed(event::Heard{1});
  EXPECT_THAT(pool.sent(), ElementsAre(2)) << "it is taken for what it was";
  EXPECT_EQ(pool.policy.stats().silent, 0U);
  pool.finish(1);
  EXPECT_EQ(pool.failure(1), ErrorCode::none);
  EXPECT_EQ(pool.policy.stats().runners_lost, 0U);
}

TEST(PoolSilence, WhoWaitsIsHelpedByAnotherRunnerWhereThereIsRoom) {
  PoolScenario pool(pool_config(1, 2, 1));
  submit(local_hello(pool, 1), 1);
  pool.pass(15s);
  EXPECT_EQ(pool.count<action::Boot>(), 1U) << "min is kept up without it";
  local_hello(pool, 2);
  submit(pool, 2);
  EXPECT_EQ(pool.where.at(2), 2U);
}

TEST(PoolSilence, AnIdleSilentRunnerMakesRoomForOneOtherWhileCallsWait) {
  PoolScenario pool(pool_config(0, 1, 1));
  submit(pool, 1);
  local_hello(pool, 1).finish(1).pass(15s);
  EXPECT_EQ(pool.policy.stats().silent, 1U);
  EXPECT_EQ(pool.count<action::Boot>(), 0U) << "nobody waits";
  EXPECT_EQ(submit(pool, 2).count<action::Boot>(), 1U);
  EXPECT_EQ(submit(pool, 3).count<action::Boot>(), 0U) << "one for each";
  EXPECT_THAT(local_hello(pool, 2).sent(), ElementsAre(2));
  EXPECT_THAT(pool.feed(event::Heard{1}).sent(), ElementsAre(3)) << "it serves again";
  EXPECT_EQ(pool.where.at(3), 1U);
  EXPECT_EQ(pool.finish(2).count<action::DrainRunner>(), 1U) << "there is one too many";
}

TEST(PoolSilence, RunnersThatFallSilentOneAfterTheOtherAreAtMostTwiceTheMaximum) {
  PoolScenario pool(pool_config(0, 1, 1));
  for (RunnerId runner = 1; runner <= 2; ++runner) {
    EXPECT_EQ(submit(pool, runner).count<action::Boot>(), 1U);
    local_hello(pool, runner).finish(runner).pass(15s);
  }
  EXPECT_EQ(pool.policy.stats().silent, 2U);
  EXPECT_EQ(submit(pool, 3).count<action::Boot>(), 0U);
}

TEST(PoolSilence, ASilentRunnerThatHasWorkCountsForTheMaximum) {
  PoolScenario pool(pool_config(0, 1, 1));
  submit(pool, 1);
  local_hello(pool, 1).pass(15s);
  EXPECT_EQ(submit(pool, 2).count<action::Boot>(), 0U);
}

TEST(PoolSilence, WhoWaitsInVainHearsWhichRunnerIsSilent) {
  PoolScenario pool(pool_config(1, 1, 1));
  submit(local_hello(pool, 1), 1);
  pool.pass(15s).feed(event::Submit{.call = 2, .digest = kPlugin, .budget = 9s});
  pool.pass(9s);
  const auto told = pool.all<action::Complete>();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].error->code, ErrorCode::queue_timed_out);
  EXPECT_THAT(told[0].error->message, testing::HasSubstr("; 1 of 1 runners is silent (runner-1 for 24 s): is it"));
}

TEST(PoolSilence, WhoseRunnerWasStoppedWithItsCallHearsThatNothingWasHeard) {
  PoolScenario pool(pool_config(1, 1, 1));
  local_hello(pool, 1).feed(event::Submit{.call = 1, .digest = kPlugin, .budget = 7s});
  pool.pass(7s);
  const auto told = pool.all<action::Complete>();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_THAT(told[0].error->message,
              testing::HasSubstr("; nothing was heard from its runner for 7 s: is it stopped?"));
}

TEST(PoolSilence, ASilentRunnerWithoutWorkIsNotWaitedForWhenItsPoolEnds) {
  PoolScenario pool(pool_config(1, 1, 1));
  local_hello(pool, 1).pass(20s).feed(event::Drain{30s});
  EXPECT_EQ(pool.count<action::DrainRunner>(), 1U) << "it may speak again";
  EXPECT_EQ(pool.pass(limits::kByeWait - 1ms).count<action::Destroy>(), 0U);
  EXPECT_EQ(pool.pass(1ms).count<action::Destroy>(), 1U);
  EXPECT_EQ(pool.count<action::Drained>(), 1U);
}

TEST(PoolSilence, ARunnerThatStopsAsItsPoolEndsIsWaitedForFiveBeats) {
  PoolScenario pool(pool_config(1, 1, 1));
  local_hello(pool, 1).feed(event::Drain{30s});
  pool.pass_alive(2s, {1}).pass(5s - 1ms);
  EXPECT_EQ(pool.count<action::Destroy>(), 0U);
  EXPECT_EQ(pool.pass(1ms).count<action::Destroy>(), 1U);
}

TEST(PoolSilence, ARunnerThatSpeaksHasAllItsTimeToEnd) {
  PoolScenario pool(pool_config(1, 1, 1));
  local_hello(pool, 1).feed(event::Drain{30s});
  pool.pass_alive(30s, {1});
  EXPECT_EQ(pool.count<action::Destroy>(), 0U);
}

TEST(PoolSilence, ASilentRunnerThatHoldsObjectsIsWaitedForAsLongAsAnyOther) {
  PoolScenario pool(pool_config(1, 1, 1));
  submit(local_hello(pool, 1), 1);
  pool.feed(event::Result{1, 1, std::nullopt, {5}}).pass(20s).feed(event::Drain{30s});
  EXPECT_EQ(pool.pass(29s).count<action::Destroy>(), 0U);
}

TEST(PoolSilence, TheDeathOfASilentRunnerIsALossAsEver) {
  PoolScenario pool(pool_config(1, 1, 1));
  submit(local_hello(pool, 1), 1);
  pool.pass(20s).feed(event::MachineExited{1, "killed"});
  pool.pass(RunnerState::kExitGrace);
  EXPECT_EQ(pool.failure(1), ErrorCode::runner_lost);
  EXPECT_EQ(pool.policy.stats().silent, 0U);
}

TEST(PoolSilence, ASilentRunnerThatIsToldToGoDoesNotComeBack) {
  PoolScenario pool(pool_config(1, 1, 1));
  submit(local_hello(pool, 1), 1);
  pool.pass(20s).feed(event::Drain{60s});
  pool.feed(event::Cancel{1});
  EXPECT_EQ(pool.count<action::DrainRunner>(), 1U);
  EXPECT_EQ(pool.policy.stats().silent, 0U);
  pool.feed(event::Heard{1});
  EXPECT_EQ(pool.policy.stats().draining, 1U);
}

TEST(PoolSilence, AFarRunnerIsNotLostByAPauseOfItsHost) {
  PoolScenario pool(pool_config(1, 1, 1));
  submit(pool.hello(1), 1);
  pool.now += 17s;
  pool.feed(event::StoodStill{17s});
  EXPECT_THAT(pool.actions, IsEmpty());
  pool.pass(15s - 1ms);
  EXPECT_EQ(pool.failure(1), ErrorCode::none);
  pool.pass(1ms);
  EXPECT_EQ(pool.failure(1), ErrorCode::runner_lost) << "from then on it counts";
}

TEST(PoolSilence, APauseOfTheHostPutsOffARetryWithoutProof) {
  PoolScenario pool(pool_config(2, 2, 1));
  pool.hello(1).hello(2).feed(
      event::Submit{.call = 1, .digest = kPlugin, .budget = 90s, .retries = 1, .idempotent = true});
  pool.feed(event::RunnerLost{1, "disconnected"});
  pool.pass_alive(10s, {2});
  pool.now += 20s;
  pool.feed(event::StoodStill{20s});
  EXPECT_THAT(pool.sent(), IsEmpty());
  pool.pass_alive(5s - 1ms, {2});
  EXPECT_THAT(pool.sent(), IsEmpty());
  EXPECT_THAT(pool.pass(1ms).sent(), ElementsAre(1));
}

}  // namespace pool_silence_test
}  // namespace flame::pool
