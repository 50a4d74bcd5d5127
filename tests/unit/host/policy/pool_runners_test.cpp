// PoolPolicy: runners. Boots, losses, retirement, single use, digests, resize.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugin_sdk/base/make_error.hpp"
#include "tests/unit/host/policy/pool_scenario.hpp"

namespace flame::pool {
namespace pool_runners_test {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Error broken_plugin() {
  return base::make_error(ErrorCode::incompatible, "undefined symbol: foo");
}

TEST(PoolRunners, DestroysAMachineWhoseRunnerNeverDialsIn) {
  PoolScenario pool(pool_config(0, 1, 1));
  pool.feed(event::Submit{.call = 1, .digest = 0, .budget = kForever});
  pool.feed(event::BootOk{1});
  pool.pass(30s);
  EXPECT_EQ(pool.count<action::Destroy>(), 1u);
  EXPECT_THAT(pool.all<action::Callback>().at(0).error->message, HasSubstr("did not dial in"));
  EXPECT_THAT(pool.all<action::Destroy>().at(0).reason, HasSubstr("did not dial in"));
  EXPECT_EQ(pool.hello(1).count<action::Reject>(), 1u) << "too late";
  EXPECT_EQ(pool.pass(1250ms).count<action::Boot>(), 1u) << "the waiter still wants a runner";
}

TEST(PoolRunners, SaysWhyABootOfTheMinimumHasFailedThoughNoCallbackDoes) {
  PoolScenario pool(pool_config(1, 1, 1));
  pool.feed(event::RunnerHello{1, {{0, broken_plugin()}}});
  EXPECT_EQ(pool.count<action::Callback>(), 0u);
  EXPECT_THAT(pool.all<action::Destroy>().at(0).reason, HasSubstr("undefined symbol: foo"));
}

TEST(PoolRunners, RefusesASecondHello) {
  PoolScenario pool(pool_config(1, 1, 1));
  EXPECT_EQ(pool.hello(1).count<action::Admit>(), 1u);
  EXPECT_EQ(pool.hello(1).count<action::Reject>(), 1u);
  EXPECT_EQ(pool.hello(77).count<action::Reject>(), 1u);
}

TEST(PoolRunners, FailsOnlyTheCallsOfALostRunnerAndReplacesIt) {
  PoolScenario pool(pool_config(0, 2, 2));
  for (CallId call = 1; call <= 4; ++call) pool.submit(call);
  pool.hello(1).hello(2).submit(5);
  pool.feed(event::RunnerLost{1, "connection closed"});
  EXPECT_EQ(pool.count<action::Complete>(), 0u) << "the backend may say why";
  EXPECT_EQ(pool.policy.stats().draining, 1u) << "nothing more is sent there";
  pool.pass(RunnerState::kReasonGrace);
  EXPECT_EQ(pool.failure(1), ErrorCode::runner_lost);
  EXPECT_EQ(pool.failure(2), ErrorCode::runner_lost);
  EXPECT_EQ(pool.count<action::Complete>(), 2u);
  EXPECT_EQ(pool.count<action::Destroy>(), 1u);
  EXPECT_EQ(pool.count<action::Boot>(), 1u) << "somebody still waits";
  EXPECT_EQ(pool.all<action::Callback>().at(0).kind, action::Callback::Kind::shrink);
  EXPECT_EQ(pool.policy.stats().runners_lost, 1u);
}

TEST(PoolRunners, RetriesIdempotentCallsOfALostRunnerElsewhere) {
  PoolScenario pool(pool_config(2, 2, 1));
  pool.hello(1).hello(2).feed(event::Submit{.call = 1, .digest = 0, .retries = 1, .idempotent = true});
  EXPECT_EQ(pool.where.at(1), 1u);
  pool.feed(event::RunnerLost{1, "gone"}).pass(RunnerState::kReasonGrace);
  ASSERT_EQ(pool.count<action::Destroy>(), 1u);
  EXPECT_EQ(pool.all<action::Destroy>()[0].reason, "gone");
  ASSERT_EQ(pool.count<action::AttemptFailed>(), 1u);
  EXPECT_EQ(pool.all<action::AttemptFailed>()[0].error.code, ErrorCode::runner_lost);
  EXPECT_THAT(pool.sent(), IsEmpty()) << "it may still run there";
  pool.feed(event::MachineExited{1, "exit code 0"});
  EXPECT_THAT(pool.sent(), ElementsAre(1));
  EXPECT_EQ(pool.where.at(1), 2u);
  EXPECT_EQ(pool.count<action::Complete>(), 0u);
}

TEST(PoolRunners, RetriesAtOnceWhenTheMachineIsKnownToBeDead) {
  PoolScenario pool(pool_config(2, 2, 1));
  pool.hello(1).hello(2).feed(event::Submit{.call = 1, .digest = 0, .retries = 1, .idempotent = true});
  pool.feed(event::MachineExited{1, "killed by signal 9"}).feed(event::RunnerLost{1, "disconnected"});
  EXPECT_THAT(pool.sent(), ElementsAre(1));
}

TEST(PoolRunners, WithoutProofOfDeathRetriesWhenTheRunnerMustHaveGivenUp) {
  PoolScenario pool(pool_config(2, 2, 1));
  pool.hello(1).hello(2).feed(event::Submit{.call = 1, .digest = 0, .budget = 60s, .retries = 1, .idempotent = true});
  pool.feed(event::RunnerLost{1, "disconnected"});
  pool.pass_alive(15s - 1ms, {2});
  EXPECT_THAT(pool.sent(), IsEmpty());
  EXPECT_THAT(pool.pass(1ms).sent(), ElementsAre(1));
}

TEST(PoolRunners, GivesTheBackendAMomentToProveTheDeathOfASilentRunner) {
  PoolScenario pool(pool_config(2, 2, 1));
  pool.hello(1).hello(2).feed(event::Submit{.call = 1, .digest = 0, .budget = 60s, .retries = 1, .idempotent = true});
  pool.pass_alive(15s, {2});
  EXPECT_EQ(pool.count<action::Destroy>(), 1u);
  EXPECT_THAT(pool.sent(), IsEmpty()) << "a stopped process cannot keep its word";
  pool.pass_alive(10s - 1ms, {2});
  EXPECT_THAT(pool.sent(), IsEmpty()) << "nor one that stood still, before five beats have passed for it";
  pool.pass_alive(1ms, {2});
  EXPECT_THAT(pool.sent(), ElementsAre(1));
}

TEST(PoolRunners, KeepsUnlinkedCallsForTheirGraceBeforeItRetriesThem) {
  PoolScenario pool(pool_config(2, 2, 1));
  pool.hello(1).hello(2).feed(
      event::Submit{.call = 1, .digest = 0, .budget = 90s, .retries = 1, .idempotent = true, .linked = false});
  pool.feed(event::RunnerLost{1, "disconnected"});
  pool.pass_alive(45s, {2});
  EXPECT_THAT(pool.sent(), IsEmpty()) << "15 s, then 30 s of shutdown_timeout, then kill_grace";
  EXPECT_THAT(pool.pass(250ms).sent(), ElementsAre(1));
}

TEST(PoolRunners, AnswersARestingCallAtItsDeadline) {
  PoolScenario pool(pool_config(1, 1, 1));
  pool.hello(1).feed(event::Submit{.call = 1, .digest = 0, .budget = 5s, .retries = 1, .idempotent = true});
  pool.feed(event::RunnerLost{1, "disconnected"});
  EXPECT_EQ(pool.pass(5s).failure(1), ErrorCode::runner_lost);
  EXPECT_THAT(pool.feed(event::MachineExited{1, "late"}).actions, IsEmpty());
}

TEST(PoolRunners, DeclaresARunnerLostAfterFifteenSilentSeconds) {
  PoolScenario pool(pool_config(1, 1, 1));
  pool.hello(1).feed(event::Submit{.call = 1, .digest = 0, .budget = kForever});
  pool.pass_alive(60s, {1});
  EXPECT_THAT(pool.actions, IsEmpty());
  pool.pass(15s);
  EXPECT_EQ(pool.failure(1), ErrorCode::runner_lost);
  EXPECT_EQ(pool.count<action::Boot>(), 1u) << "min is kept up";
}

TEST(PoolRunners, WaitsAMomentForTheLastResultOfADeadMachine) {
  PoolScenario pool(pool_config(1, 1, 2));
  pool.hello(1).submit(1).submit(2);
  pool.feed(event::MachineExited{1, "killed by signal 9"});
  EXPECT_EQ(pool.count<action::Complete>(), 0u);
  EXPECT_THAT(pool.submit(3).sent(), IsEmpty()) << "a dead runner gets nothing";
  pool.finish(1);
  EXPECT_EQ(pool.count<action::Complete>(), 1u);
  pool.pass(RunnerState::kExitGrace);
  EXPECT_EQ(pool.failure(2), ErrorCode::runner_lost);
  EXPECT_THAT(pool.all<action::Complete>()[0].error->message, HasSubstr("killed by signal 9"));
}

TEST(PoolRunners, GrantsRetirementOfAnIdleRunnerAndSendsItNothingAfterwards) {
  PoolScenario pool(pool_config(0, 1, 1));
  pool.submit(1).hello(1).finish(1);
  pool.feed(event::Retire{.runner = 1, .last_seq = 0, .sent_seq = 1});
  EXPECT_FALSE(pool.all<action::RetireReply>().at(0).granted) << "an invocation crossed the request";
  pool.feed(event::Retire{.runner = 1, .last_seq = 1, .sent_seq = 1});
  EXPECT_TRUE(pool.all<action::RetireReply>().at(0).granted);
  EXPECT_THAT(pool.submit(2).sent(), IsEmpty());
  EXPECT_EQ(pool.count<action::Boot>(), 0u) << "the leaving machine still counts for max";
  pool.feed(event::RunnerLost{1, "bye"});
  EXPECT_EQ(pool.count<action::Boot>(), 1u);
  EXPECT_EQ(pool.policy.stats().runners_lost, 0u) << "it was allowed to go";
}

TEST(PoolRunners, DeniesRetirementWhileSomethingIsBooked) {
  PoolScenario pool(pool_config(0, 1, 1));
  pool.submit(1).hello(1);
  pool.feed(event::Retire{.runner = 1, .last_seq = 1, .sent_seq = 1});
  EXPECT_FALSE(pool.all<action::RetireReply>().at(0).granted);
  pool.finish(1);
  EXPECT_THAT(pool.submit(2).sent(), ElementsAre(2)) << "until granted it serves";
}

TEST(PoolRunners, KeepsMinRunnersThatAskToRetire) {
  PoolScenario pool(pool_config(1, 2, 1));
  pool.hello(1);
  pool.pass_alive(5min, {1}).feed(event::Retire{.runner = 1});
  EXPECT_FALSE(pool.all<action::RetireReply>().at(0).granted);
}

TEST(PoolRunners, LetsARunnerGoThatMust) {
  PoolScenario pool(pool_config(0, 1, 2));
  pool.submit(1).hello(1);
  pool.feed(event::Retire{.runner = 1, .last_seq = 1, .sent_seq = 1, .must = true});
  EXPECT_TRUE(pool.all<action::RetireReply>().at(0).granted);
  EXPECT_THAT(pool.submit(2).sent(), IsEmpty());
  EXPECT_EQ(pool.finish(1).count<action::Complete>(), 1u) << "running work finishes";
}

TEST(PoolRunners, DestroysADrainingRunnerThatStays) {
  PoolScenario pool(pool_config(0, 1, 1));
  pool.submit(1).hello(1).finish(1).feed(event::Retire{.runner = 1, .last_seq = 1, .sent_seq = 1});
  pool.pass_alive(30s, {1});
  EXPECT_EQ(pool.count<action::Destroy>(), 0u);
  EXPECT_EQ(pool.pass(1s).count<action::Destroy>(), 1u);
}

TEST(PoolRunners, GivesASingleUseRunnerExactlyOneCall) {
  PoolConfig single = pool_config(0, 2, 100);
  single.single_use = true;
  PoolScenario pool(single);
  std::size_t boots = 0;
  for (CallId call = 1; call <= 3; ++call) boots += pool.submit(call).count<action::Boot>();
  EXPECT_EQ(boots, 2u) << "growth counts one call per runner";
  EXPECT_THAT(pool.hello(1).sent(), ElementsAre(1));
  EXPECT_EQ(pool.finish(1).count<action::DrainRunner>(), 1u);
  EXPECT_THAT(pool.sent(), IsEmpty());
  pool.feed(event::MachineExited{1, "exit code 0"});
  EXPECT_EQ(pool.feed(event::RunnerLost{1, "single use completed", true}).count<action::Boot>(), 1u)
      << "two wait and one boots";
  EXPECT_THAT(pool.hello(2).sent(), ElementsAre(2));
  EXPECT_THAT(pool.hello(3).sent(), ElementsAre(3));
}

TEST(PoolRunners, ReplacesConsumedSingleUseRunnersOfTheMinimum) {
  PoolConfig single = pool_config(1, 3, 1);
  single.single_use = true;
  PoolScenario pool(single);
  pool.hello(1);
  pool.submit(1);
  EXPECT_THAT(pool.sent(), ElementsAre(1));
  EXPECT_EQ(pool.count<action::Boot>(), 1u);
}

TEST(PoolRunners, FailsCallsForAPluginThatNoRunnerCanLoad) {
  PoolScenario pool(pool_config(0, 1, 1));
  pool.submit(1);
  pool.feed(event::RunnerHello{1, {{0, broken_plugin()}}});
  EXPECT_EQ(pool.failure(1), ErrorCode::incompatible);
  EXPECT_EQ(pool.submit(2).failure(2), ErrorCode::incompatible) << "at once, while nothing has changed";
  EXPECT_EQ(pool.policy.stats().boots_failed, 1u);
  EXPECT_EQ(pool.policy.stats().runners, 0u) << "a runner that can do nothing goes";
  EXPECT_EQ(pool.pass(30s).submit(3).count<action::Boot>(), 1u) << "another machine may be better";
  EXPECT_THAT(pool.hello(2).sent(), ElementsAre(3));
}

TEST(PoolRunners, ABrokenPluginOnOneMachineDoesNotKeepTheMinimumUseless) {
  PoolScenario pool(pool_config(1, 1, 1));
  pool.feed(event::RunnerHello{1, {{0, broken_plugin()}}});
  EXPECT_EQ(pool.count<action::Destroy>(), 1u);
  EXPECT_EQ(pool.count<action::Boot>(), 0u) << "not without a pause";
  EXPECT_EQ(pool.pass(1250ms).count<action::Boot>(), 1u);
  EXPECT_THAT(pool.hello(2).submit(1).sent(), ElementsAre(1));
}

TEST(PoolRunners, OfWhichOneCanLoadOnlySomePluginsOthersAreTriedForTheRestLater) {
  PoolScenario pool(pool_config(0, 2, 1), {}, {0, 1});
  pool.submit(1);
  pool.feed(event::RunnerHello{1, {{0, std::nullopt}, {1, broken_plugin()}}});
  EXPECT_THAT(pool.sent(), ElementsAre(1));
  EXPECT_EQ(pool.feed(event::Submit{.call = 2, .digest = 1}).failure(2), ErrorCode::incompatible);
  pool.pass_alive(30s, {1});
  EXPECT_EQ(pool.feed(event::Submit{.call = 3, .digest = 1}).count<action::Boot>(), 1u);
  pool.feed(event::RunnerHello{2, {{0, std::nullopt}, {1, std::nullopt}}});
  EXPECT_THAT(pool.sent(), ElementsAre(3));
}

TEST(PoolRunners, ThatDieYoungOneAfterTheOtherAreNotReplacedWithoutAPause) {
  PoolScenario pool(pool_config(1, 1, 1));
  EXPECT_EQ(pool.hello(1).feed(event::MachineExited{1, "out of memory"}).count<action::Boot>(), 1u);
  EXPECT_EQ(pool.hello(2).feed(event::MachineExited{2, "out of memory"}).count<action::Boot>(), 0u);
  EXPECT_THAT(pool.policy.placement().last_failure(pool.now)->message, HasSubstr("out of memory"));
  EXPECT_EQ(pool.pass(1250ms).count<action::Boot>(), 1u);
  EXPECT_EQ(pool.hello(3).feed(event::MachineExited{3, "out of memory"}).pass(1250ms).count<action::Boot>(), 0u);
  EXPECT_EQ(pool.pass(1250ms).count<action::Boot>(), 1u);
  pool.hello(4).submit(1).finish(1);
  EXPECT_EQ(pool.feed(event::MachineExited{4, "killed"}).count<action::Boot>(), 1u) << "this one was of use";
}

TEST(PoolRunners, TheBackendsReasonForALossIsWaitedFor) {
  PoolScenario pool(pool_config(0, 1, 1));
  pool.submit(1).hello(1);
  pool.feed(event::RunnerLost{1, "the connection was closed"});
  pool.feed(event::MachineExited{1, "killed by signal 9"});
  ASSERT_EQ(pool.count<action::Complete>(), 1u) << "nothing more can come";
  EXPECT_THAT(pool.all<action::Complete>()[0].error->message, HasSubstr("killed by signal 9"));
}

TEST(PoolRunners, ThatBootWithoutTheDigestOfAWaiterDoNotKeepOneFromBootingThatHasIt) {
  PoolScenario pool(pool_config(0, 3, 100));
  EXPECT_EQ(pool.submit(1).count<action::Boot>(), 1u);
  pool.feed(event::Switch{0, 1});
  pool.feed(event::Submit{.call = 2, .digest = 1});
  ASSERT_EQ(pool.count<action::Boot>(), 1u);
  EXPECT_THAT(pool.all<action::Boot>()[0].digests, ElementsAre(1, 0));
  EXPECT_EQ(pool.feed(event::Submit{.call = 3, .digest = 1}).count<action::Boot>(), 0u) << "the second has it";
}

TEST(PoolRunners, FailsCallsForAPluginThatTheRunnerDoesNotReport) {
  PoolScenario pool(pool_config(0, 1, 1));
  pool.submit(1);
  pool.feed(event::RunnerHello{1, {}});
  EXPECT_EQ(pool.failure(1), ErrorCode::not_found);
}

TEST(PoolRunners, BootsNewRunnersForANewDigestAndMakesRoomForThem) {
  PoolScenario pool(pool_config(1, 1, 1));
  pool.hello(1);
  pool.feed(event::Submit{.call = 1, .digest = 1, .budget = kForever});
  EXPECT_EQ(pool.all<action::DrainRunner>().at(0).runner, 1u) << "idle, in the way, without the digest";
  pool.feed(event::RunnerLost{1, "bye"});
  ASSERT_EQ(pool.count<action::Boot>(), 1u);
  EXPECT_THAT(pool.all<action::Boot>()[0].digests, ElementsAre(0, 1));
  pool.feed(event::RunnerHello{2, {{0, std::nullopt}, {1, std::nullopt}}});
  EXPECT_THAT(pool.sent(), ElementsAre(1));
}

TEST(PoolRunners, TellsWhoeverNoRunnerCanServeThatBootsFailForGood) {
  PoolScenario pool(pool_config(0, 2, 1));
  pool.submit(1).hello(1);
  pool.feed(event::Submit{.call = 2, .digest = 1});
  pool.submit(3);
  Error error;
  error.message = "no such image";
  pool.feed(event::BootFailed{2, error, Remedy::permanent});
  EXPECT_EQ(pool.failure(2), ErrorCode::boot_failed) << "runner 1 has the old plugin only";
  EXPECT_EQ(pool.failure(3), ErrorCode::none) << "runner 1 will serve it";
  EXPECT_EQ(pool.feed(event::Submit{.call = 4, .digest = 1}).failure(4), ErrorCode::boot_failed);
}

TEST(PoolRunners, BootsAgainNoSoonerThanTheBackendAsks) {
  PoolScenario pool(pool_config(0, 1, 1));
  pool.submit(1).feed(event::BootFailed{1, Error{}, Remedy::retry, std::chrono::seconds(5)});
  EXPECT_EQ(pool.pass(std::chrono::seconds(4)).count<action::Boot>(), 0u) << "its own back-off is over";
  EXPECT_EQ(pool.pass(std::chrono::seconds(1)).count<action::Boot>(), 1u);
}

TEST(PoolRunners, BootsRunnersForADigestThatWaitersArePinnedTo) {
  PoolScenario pool(pool_config(0, 1, 1));
  pool.feed(event::Switch{0, 1});
  pool.feed(event::Submit{.call = 1, .digest = 0});
  EXPECT_THAT(pool.all<action::Boot>().at(0).digests, ElementsAre(1, 0));
}

TEST(PoolRunners, ShrinksToANewMaximumAsRunnersFallIdle) {
  PoolScenario pool(pool_config(3, 3, 1));
  pool.hello(1).hello(2).hello(3).submit(1);
  pool.feed(event::Resize{0, 1});
  EXPECT_EQ(pool.count<action::DrainRunner>(), 2u);
  EXPECT_EQ(pool.policy.stats().draining, 2u);
  pool.feed(event::Resize{2, 4});
  EXPECT_EQ(pool.count<action::Boot>(), 1u) << "min 2, one serves";
}

TEST(PoolRunners, BootsAheadForAnExpectedLoad) {
  PoolScenario pool(pool_config(0, 4, 2));
  EXPECT_EQ(pool.feed(event::Expect{5, 10s}).count<action::Boot>(), 3u);
  pool.feed(event::RunnerLost{2, "never came"});
  EXPECT_EQ(pool.pass(1250ms).count<action::Boot>(), 1u) << "the hint still holds";
  for (RunnerId id : {1U, 3U, 4U}) pool.hello(id);
  for (CallId call = 1; call <= 5; ++call) EXPECT_EQ(pool.submit(call).count<action::Boot>(), 0u);
  EXPECT_EQ(pool.policy.stats().waiting, 0u);
}

TEST(PoolRunners, LetsRunnersGoWhenAnExpectationHasLapsed) {
  PoolScenario pool(pool_config(0, 4, 1));
  pool.feed(event::Expect{1, 60s}).hello(1);
  pool.pass_alive(31s, {1}).feed(event::Retire{.runner = 1});
  EXPECT_FALSE(pool.all<action::RetireReply>().at(0).granted);
  pool.pass_alive(30s, {1}).feed(event::Retire{.runner = 1});
  EXPECT_TRUE(pool.all<action::RetireReply>().at(0).granted);
}

TEST(PoolRunners, KeepsWarmSlotsAndFillsThemUp) {
  PoolConfig warm = pool_config(0, 3, 1);
  warm.warm = 1;
  PoolScenario pool(warm);
  EXPECT_EQ(pool.count<action::Boot>(), 1u) << "before any call";
  EXPECT_EQ(pool.all<action::Callback>().at(0).kind, action::Callback::Kind::grow_start);
  pool.hello(1);
  EXPECT_EQ(pool.submit(1).count<action::Boot>(), 1u);
  EXPECT_THAT(pool.sent(), ElementsAre(1));
  pool.hello(2).finish(1);
  pool.feed(event::Retire{.runner = 2});
  EXPECT_TRUE(pool.all<action::RetireReply>().at(0).granted) << "one free slot is enough";
  pool.feed(event::Retire{.runner = 1, .last_seq = 1, .sent_seq = 1});
  EXPECT_FALSE(pool.all<action::RetireReply>().at(0).granted);
  EXPECT_EQ(pool.feed(event::RunnerLost{1, "killed"}).count<action::Boot>(), 1u);
}

TEST(PoolRunners, KeepsUnusedSingleUseRunnersWarm) {
  PoolConfig warm = pool_config(0, 4, 1);
  warm.warm = 2;
  warm.single_use = true;
  PoolScenario pool(warm);
  EXPECT_EQ(pool.count<action::Boot>(), 2u);
  pool.hello(1).hello(2);
  EXPECT_EQ(pool.submit(1).count<action::Boot>(), 1u) << "the one that serves it is used up";
}

TEST(PoolRunners, ForgetsAnExpectedLoadWhenItDrains) {
  PoolScenario pool(pool_config(0, 4, 2));
  pool.submit(1).hello(1).feed(event::Expect{2});
  pool.feed(event::Expect{8}).feed(event::BootFailed{2, Error{}, Remedy::retry});  // boots are put off now
  pool.feed(event::Expect{8}).feed(event::Drain{kForever});
  pool.pass_alive(std::chrono::minutes(1), {1});
  EXPECT_EQ(pool.count<action::Boot>(), 0u);
}

}  // namespace pool_runners_test
}  // namespace flame::pool
