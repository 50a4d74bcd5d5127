// PoolPolicy: a new version beside the old one. Who serves whom before and after the switch, and what ends when.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugin_sdk/base/make_error.hpp"
#include "tests/unit/host/policy/versions_scenario.hpp"

namespace flame::pool {
namespace pool_generations_test {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr DigestId kNewer = 2;

Error broken() {
  return base::make_error(ErrorCode::incompatible, "undefined symbol: foo");
}

TEST(PoolGenerations, EveryLiveRunnerLoadsTheNewVersionWhileTheOldOneServes) {
  Versions pool = pool_of(2, 2);
  pool.call(1, kOld).prepare();
  EXPECT_THAT(pool.loads(), ElementsAre(1, 2));
  EXPECT_EQ(pool.report().waits_for, "runner-1, runner-2 to load it");
  EXPECT_FALSE(pool.report().ready);
  EXPECT_THAT(pool.call(2, kOld).sent(), ElementsAre(2)) << "calls go on";
  pool.loaded(1);
  EXPECT_TRUE(pool.report().ready);
  EXPECT_EQ(pool.report().waits_for, "runner-2 to load it");
  EXPECT_TRUE(pool.loaded(2).is_prepared());
  EXPECT_THAT(pool.ends(), IsEmpty());
}

TEST(PoolGenerations, ACallIsServedByTheVersionThatItWasSubmittedWith) {
  Versions pool = pool_of(1, 1);
  pool.call(1, kOld).call(2, kOld).prepare().loaded(1).switch_over();
  EXPECT_THAT(pool.ends(), IsEmpty()) << "one runs and one waits";
  pool.call(3, kNew).finish(1);
  EXPECT_THAT(pool.sent(), ElementsAre(2));
  EXPECT_THAT(pool.ends(), IsEmpty());
  pool.finish(2);
  EXPECT_THAT(pool.sent(), ElementsAre(3));
  EXPECT_THAT(pool.ends(), ElementsAre(1));
  EXPECT_EQ(pool.ended(1).actions.size(), 0u);
  EXPECT_THAT(pool.finish(3).call(4, kNew).sent(), ElementsAre(4));
}

TEST(PoolGenerations, NothingIsSentBeforeItsVersionIsReadyThere) {
  Versions pool = pool_of(2, 2);
  pool.prepare().loaded(1).switch_over();
  EXPECT_THAT(pool.call(1, kNew).sent(), ElementsAre(1));
  EXPECT_THAT(pool.call(2, kNew).sent(), IsEmpty()) << "runner 2 still loads it";
  EXPECT_THAT(pool.loaded(2).sent(), ElementsAre(2));
  EXPECT_EQ(pool.where.at(2), 2u);
}

TEST(PoolGenerations, BootsWithTheNewVersionFromTheSwitchOn) {
  Versions pool = pool_of(1, 3);
  pool.prepare().loaded(1).call(1, kOld).call(2, kOld);
  ASSERT_EQ(pool.count<action::Boot>(), 1u);
  EXPECT_THAT(pool.all<action::Boot>()[0].digests, ElementsAre(kOld, kNew));
  pool.switch_over().call(3, kNew);
  ASSERT_EQ(pool.count<action::Boot>(), 1u);
  EXPECT_THAT(pool.all<action::Boot>()[0].digests, ElementsAre(kNew, kOld)) << "somebody waits for the old one";
}

TEST(PoolGenerations, APoolWithoutARunnerBootsOneForTheNewVersion) {
  Versions pool(pool_config(0, 1, 1));
  pool.prepare();
  ASSERT_EQ(pool.count<action::Boot>(), 1u);
  EXPECT_THAT(pool.all<action::Boot>()[0].digests, ElementsAre(kOld, kNew));
  EXPECT_EQ(pool.report().waits_for, "a runner to boot");
  EXPECT_EQ(pool.pass(1s).count<action::Boot>(), 0u) << "one is enough";
  EXPECT_THAT(pool.join(1, {kOld, kNew}).loads(), ElementsAre(1)) << "its file is there; whether it starts is seen";
  EXPECT_TRUE(pool.loaded(1).is_prepared());
}

TEST(PoolGenerations, WhatIsToEndIsStoppedAndToldWhatHasReplacedIt) {
  Versions pool = pool_of(1, 1, 4);
  pool.call(1, kOld).feed(event::Result{1, 1, std::nullopt, {5}});
  pool.feed(event::Submit{.call = 2, .digest = kOld, .budget = kForever});
  pool.call(3, kOld).prepare().loaded(1).switch_over().call(4, kNew);
  pool.feed(event::EndVersion{kOld, "video@1.5.0"});
  std::vector<CallId> stopped;
  for (const auto& cancel : pool.all<action::CancelRemote>()) stopped.push_back(cancel.call);
  EXPECT_THAT(stopped, ElementsAre(1, 2)) << "what has a deadline ends by itself";
  EXPECT_EQ(pool.failure(2), ErrorCode::cancelled);
  pool.feed(event::EndVersion{kOld, "video@1.5.0"});
  EXPECT_EQ(pool.count<action::CancelRemote>(), 0u) << "once";
  pool.feed(event::Ended{1, 1, base::make_error(ErrorCode::cancelled, "told to stop")});
  ASSERT_EQ(pool.count<action::LeaseEnded>(), 1u);
  EXPECT_EQ(pool.all<action::LeaseEnded>()[0].error->message, "replaced by video@1.5.0");
}

TEST(PoolGenerations, WaitsForRoomWhereMaxIsUsedUpByRunnersThatLeave) {
  Versions pool = pool_of(1, 1);
  pool.call(1, kOld).feed(event::Retire{.runner = 1, .must = true});
  pool.prepare();
  EXPECT_THAT(pool.loads(), IsEmpty()) << "it leaves";
  EXPECT_EQ(pool.count<action::Boot>(), 0u) << "max counts";
  EXPECT_EQ(pool.report().waits_for, "room for a runner: max is 1, and those that leave count");
  pool.finish(1);
  EXPECT_EQ(pool.feed(event::RunnerLost{1, "bye", true}).count<action::Boot>(), 1u);
}

TEST(PoolGenerations, ARunnerThatWasAskedBeforeAChangeLoadsAfterItsWelcome) {
  Versions pool = pool_of(1, 2);
  pool.call(1, kOld).call(2, kOld).prepare().loaded(1).switch_over();
  pool.join(2, {kOld});
  EXPECT_THAT(pool.loads(), ElementsAre(2));
  ASSERT_EQ(pool.count<action::Admit>(), 1u);
  EXPECT_LT(
      std::ranges::find_if(pool.actions, [](const Action& one) { return std::holds_alternative<action::Admit>(one); }),
      std::ranges::find_if(pool.actions, [](const Action& one) { return std::holds_alternative<action::Load>(one); }));
  EXPECT_THAT(pool.call(3, kNew).sent(), IsEmpty()) << "it does not count for the new version yet";
}

TEST(PoolGenerations, ALostRunnerIsNoLongerWaitedFor) {
  Versions pool = pool_of(2, 2);
  pool.prepare().loaded(1);
  EXPECT_FALSE(pool.is_prepared());
  pool.feed(event::RunnerLost{2, "gone"});
  EXPECT_TRUE(pool.is_prepared());
}

TEST(PoolGenerations, ALostRunnerIsReplacedIfItWasTheOnlyOne) {
  Versions pool(pool_config(0, 1, 1));
  pool.call(1, kOld).hello(1).finish(1);
  pool.prepare().loaded(1);
  ASSERT_TRUE(pool.is_prepared());
  pool.feed(event::MachineExited{1, "killed"});
  EXPECT_FALSE(pool.report().ready) << "what was reported holds no more";
  ASSERT_EQ(pool.count<action::Boot>(), 1u);
  EXPECT_THAT(pool.all<action::Boot>()[0].digests, ElementsAre(kOld, kNew));
}

TEST(PoolGenerations, BrokenOnOneRunnerTheOthersServeAndItRetiresWhenIdle) {
  Versions pool = pool_of(2, 2);
  pool.call(1, kOld).prepare().loaded(1, kNew, broken());
  EXPECT_TRUE(pool.loaded(2).is_prepared());
  pool.switch_over();
  EXPECT_EQ(pool.count<action::DrainRunner>(), 0u) << "it has a call";
  EXPECT_THAT(pool.call(2, kNew).sent(), ElementsAre(2));
  EXPECT_THAT(pool.call(3, kNew).sent(), IsEmpty());
  EXPECT_EQ(pool.count<action::Load>(), 0u) << "it is not asked again";
  pool.finish(1);
  ASSERT_EQ(pool.count<action::DrainRunner>(), 1u);
  EXPECT_EQ(pool.all<action::DrainRunner>()[0].runner, 1u);
  pool.feed(event::RunnerLost{1, "bye", true});
  ASSERT_EQ(pool.count<action::Boot>(), 1u) << "who waits for the new version is helped";
  EXPECT_THAT(pool.all<action::Boot>()[0].digests, ElementsAre(kNew));
}

TEST(PoolGenerations, AnIdleRunnerThatIsBrokenRetiresWithTheSwitch) {
  Versions pool = pool_of(2, 2);
  pool.prepare().loaded(1).loaded(2, kNew, broken());
  EXPECT_EQ(pool.count<action::DrainRunner>(), 0u);
  pool.switch_over();
  ASSERT_EQ(pool.count<action::DrainRunner>(), 1u);
  EXPECT_EQ(pool.all<action::DrainRunner>()[0].runner, 2u);
}

TEST(PoolGenerations, BrokenOnAllRunnersIsAFailureAndAnotherTryBeginsAnew) {
  Versions pool = pool_of(2, 2);
  pool.prepare().loaded(1, kNew, broken());
  EXPECT_FALSE(pool.report().error);
  pool.loaded(2, kNew, base::make_error(ErrorCode::boot_failed, "start() threw"));
  ASSERT_TRUE(pool.report().error);
  EXPECT_EQ(pool.report().error->message, "undefined symbol: foo") << "the first reason";
  pool.feed(event::Abandon{kNew});
  EXPECT_EQ(pool.actions.size(), 0u);
  EXPECT_THAT(pool.call(1, kOld).sent(), ElementsAre(1)) << "nothing was changed";
  EXPECT_THAT(pool.prepare().loads(), ElementsAre(1, 2));
}

TEST(PoolGenerations, ALoadThatHangsIsEndedAndTheRunnerGoesOnWithWhatItHas) {
  Versions pool = pool_of(1, 1);
  pool.prepare().pass_alive(30s, {1});
  EXPECT_THAT(pool.ends(kNew), ElementsAre(1));
  ASSERT_TRUE(pool.report().error);
  EXPECT_THAT(pool.report().error->message, HasSubstr("within boot_timeout"));
  EXPECT_THAT(pool.call(1, kOld).sent(), ElementsAre(1));
}

TEST(PoolGenerations, AnAbandonedVersionIsEndedEverywhere) {
  Versions pool = pool_of(2, 2);
  pool.prepare().loaded(1).feed(event::Abandon{kNew});
  EXPECT_THAT(pool.ends(kNew), ElementsAre(1, 2)) << "also where it still loads";
  EXPECT_EQ(pool.loaded(2).ended(1, kNew).ended(2, kNew).actions.size(), 0u);
  EXPECT_THAT(pool.prepare().loads(), ElementsAre(1, 2));
}

TEST(PoolGenerations, WaitsWithAThirdVersionForWhatHoldsTheFirst) {
  Versions pool = pool_of(1, 1, 4);
  pool.call(7, kOld).call(8, kOld);
  pool.feed(event::Result{1, 8, std::nullopt, {100}});
  pool.prepare().loaded(1).switch_over().prepare(kNewer, kNew);
  EXPECT_THAT(pool.loads(kNewer), IsEmpty());
  EXPECT_EQ(pool.report().waits_for, "the end of what uses an older version: call 7, what call 8 left in its slot");
  pool.finish(7);
  EXPECT_THAT(pool.ends(), IsEmpty()) << "the lease holds it";
  EXPECT_EQ(pool.policy.prepared(kNewer, pool.now).waits_for,
            "the end of what uses an older version: what call 8 left in its slot");
  pool.feed(event::Ended{1, 8});
  EXPECT_THAT(pool.ends(), ElementsAre(1));
  EXPECT_EQ(pool.report().waits_for, "a runner to end an older version");
  EXPECT_THAT(pool.ended(1).loads(kNewer), ElementsAre(1));
  EXPECT_TRUE(pool.loaded(1, kNewer).is_prepared());
}

TEST(PoolGenerations, BelowMaxANewRunnerServesTheThirdVersion) {
  Versions pool = pool_of(1, 2, 4);
  pool.call(7, kOld).prepare().loaded(1).switch_over().prepare(kNewer, kNew);
  ASSERT_EQ(pool.count<action::Boot>(), 1u);
  EXPECT_THAT(pool.all<action::Boot>()[0].digests, ElementsAre(kNew, kNewer));
  EXPECT_TRUE(pool.join(2, {kNew, kNewer}).loaded(2, kNewer).is_prepared()) << "the other one is not waited for";
  pool.switch_over(kNew, kNewer);
  EXPECT_THAT(pool.ends(kNew), ElementsAre(1, 2));
  EXPECT_THAT(pool.ended(1, kNew).loads(kNewer), ElementsAre(1)) << "once it has room";
}

TEST(PoolGenerations, ARunnerThatWillHaveRoomIsWaitedForThoughAnotherOneIsBroken) {
  Versions pool = pool_of(1, 2, 4);
  pool.call(7, kOld).prepare().loaded(1).switch_over().prepare(kNewer, kNew).finish(7);
  EXPECT_THAT(pool.ends(), ElementsAre(1));
  pool.feed(event::RunnerHello{2, {{kNew, std::nullopt}, {kNewer, broken()}}});
  EXPECT_FALSE(pool.report().error.has_value());
  EXPECT_EQ(pool.report().waits_for, "a runner to end an older version");
  EXPECT_THAT(pool.ended(1).loads(kNewer), ElementsAre(1));
  EXPECT_TRUE(pool.loaded(1, kNewer).is_prepared());
}

TEST(PoolGenerations, ALeaseKeepsItsVersionAndCallsOnItsObjectsGoThere) {
  Versions pool = pool_of(1, 1, 2);
  pool.call(1, kOld).feed(event::Result{1, 1, std::nullopt, {100}});
  pool.prepare().loaded(1).switch_over();
  EXPECT_THAT(pool.ends(), IsEmpty());
  pool.feed(event::Submit{.call = 2, .digest = kOld, .lease = 1});
  EXPECT_THAT(pool.sent(), ElementsAre(2));
  pool.finish(2);
  EXPECT_THAT(pool.ends(), IsEmpty());
  pool.feed(event::Ended{1, 1});
  EXPECT_THAT(pool.ends(), ElementsAre(1));
}

TEST(PoolGenerations, ARetryKeepsItsVersionWhileItRests) {
  Versions pool = pool_of(2, 2);
  pool.feed(event::Submit{.call = 1, .digest = kOld, .budget = 60s, .retries = 1, .idempotent = true});
  pool.prepare().loaded(1).loaded(2).switch_over();
  pool.feed(event::RunnerLost{1, "gone"}).pass(RunnerState::kReasonGrace);
  EXPECT_THAT(pool.ends(), IsEmpty()) << "it will be sent again";
  pool.feed(event::MachineExited{1, "killed"});
  EXPECT_THAT(pool.sent(), ElementsAre(1));
  EXPECT_EQ(pool.where.at(1), 2u);
  EXPECT_THAT(pool.finish(1).ends(), ElementsAre(2));
}

TEST(PoolGenerations, ACallThatWasGivenUpKeepsItsVersionUntilItsSlotIsFree) {
  Versions pool = pool_of(1, 1);
  pool.call(1, kOld).prepare().loaded(1).switch_over().feed(event::Cancel{1});
  EXPECT_THAT(pool.ends(), IsEmpty());
  pool.feed(event::Ended{1, 1});
  EXPECT_THAT(pool.ends(), ElementsAre(1));
}

TEST(PoolGenerations, WaitersOfADigestThatLoadsAreAReasonToGrowOnlyBeyondItsSlots) {
  Versions pool = pool_of(1, 4, 2);
  pool.prepare().switch_over();
  EXPECT_EQ(pool.call(1, kNew).count<action::Boot>(), 0u);
  EXPECT_EQ(pool.call(2, kNew).count<action::Boot>(), 0u);
  EXPECT_EQ(pool.call(3, kNew).count<action::Boot>(), 1u);
  EXPECT_THAT(pool.loaded(1).sent(), ElementsAre(1, 2));
}

TEST(PoolGenerations, ARunnerThatLoadsTwoVersionsHelpsOnlyAsManyWaitersAsItHasSlots) {
  Versions pool = pool_of(1, 2, 2);
  pool.prepare().switch_over().ended(1).prepare(kNewer, kNew);
  EXPECT_THAT(pool.loads(kNewer), ElementsAre(1));
  pool.call(1, kNew).call(2, kNew);
  EXPECT_EQ(pool.count<action::Boot>(), 0u);
  EXPECT_EQ(pool.switch_over(kNew, kNewer).call(3, kNewer).count<action::Boot>(), 1u);
}

TEST(PoolGenerations, ASilentRunnerIsNotWaitedForAndLoadsWhenItSpeaksAgain) {
  Versions pool(pool_config(2, 2, 1));
  for (RunnerId runner = 1; runner <= 2; ++runner) pool.feed(event::RunnerHello{runner, {{kOld, std::nullopt}}, true});
  pool.pass_alive(20s, {1});
  pool.prepare();
  EXPECT_THAT(pool.loads(), ElementsAre(1));
  EXPECT_TRUE(pool.loaded(1).is_prepared());
  EXPECT_THAT(pool.switch_over().ends(), ElementsAre(1));
  pool.feed(event::Heard{2});
  EXPECT_THAT(pool.loads(), ElementsAre(2));
  EXPECT_THAT(pool.ends(), ElementsAre(2));
}

TEST(PoolGenerations, ARunnerIsNotGivenAwayWhileAVersionIsPrepared) {
  PoolConfig config = pool_config(0, 2, 1);
  config.idle_shutdown_after = 1s;
  Versions pool(config);
  pool.call(1, kOld).hello(1).finish(1);
  pool.prepare().loaded(1).pass(2s).feed(event::Retire{.runner = 1, .last_seq = 1, .sent_seq = 1});
  ASSERT_EQ(pool.count<action::RetireReply>(), 1u);
  EXPECT_FALSE(pool.all<action::RetireReply>()[0].granted);
  pool.switch_over().feed(event::Retire{.runner = 1, .last_seq = 1, .sent_seq = 1});
  EXPECT_TRUE(pool.all<action::RetireReply>()[0].granted);
}

TEST(PoolGenerations, RollbackIsTheSameInTheOtherDirection) {
  Versions pool = pool_of(1, 1);
  pool.call(1, kOld).prepare().loaded(1).switch_over();
  EXPECT_TRUE(pool.prepare(kOld, kNew).is_prepared()) << "it still has it";
  EXPECT_THAT(pool.switch_over(kNew, kOld).ends(kNew), ElementsAre(1));
  EXPECT_THAT(pool.finish(1).ends(kOld), IsEmpty());
  EXPECT_THAT(pool.call(2, kOld).sent(), ElementsAre(2));
}

TEST(PoolGenerations, DrainInTheMiddleEndsThePreparation) {
  Versions pool = pool_of(1, 1);
  pool.call(1, kOld).prepare().feed(event::Drain{10s});
  ASSERT_TRUE(pool.report().error);
  EXPECT_EQ(pool.report().error->code, ErrorCode::shutting_down);
  pool.feed(event::Abandon{kNew});
  pool.finish(1);
  EXPECT_EQ(pool.count<action::DrainRunner>(), 1u);
  EXPECT_EQ(pool.feed(event::RunnerLost{1, "bye", true}).count<action::Drained>(), 1u);
}

TEST(PoolGenerations, ResizeInTheMiddleLetsARunnerGoThatIsThenNotWaitedFor) {
  Versions pool = pool_of(2, 2);
  pool.prepare().loaded(1).feed(event::Resize{1, 1});
  EXPECT_EQ(pool.count<action::DrainRunner>(), 1u);
  EXPECT_TRUE(pool.is_prepared());
  pool.switch_over();
  EXPECT_THAT(pool.call(1, kNew).sent(), ElementsAre(1));
}

TEST(PoolGenerations, BootsThatFailForGoodFailThePreparation) {
  Versions pool(pool_config(0, 1, 1));
  pool.prepare();
  pool.feed(event::BootFailed{1, {.message = "no such image"}, Remedy::permanent});
  ASSERT_TRUE(pool.report().error);
  EXPECT_EQ(pool.report().error->code, ErrorCode::boot_failed);
  EXPECT_THAT(pool.report().error->message, HasSubstr("no such image"));
}

TEST(PoolGenerations, ABootThatFailsIsToldAndTriedAgain) {
  Versions pool(pool_config(0, 1, 1));
  pool.prepare();
  pool.feed(event::BootFailed{1, {.message = "no space left"}, Remedy::retry});
  EXPECT_EQ(pool.report().waits_for, "a runner, and none boots: no space left");
  EXPECT_EQ(pool.pass(1250ms).count<action::Boot>(), 1u);
}

TEST(PoolGenerations, WhatIsUnknownIsIgnored) {
  Versions pool = pool_of(1, 1);
  pool.loaded(1, kNew).loaded(9).ended(1, kNew).ended(9).feed(event::Abandon{kOld});
  EXPECT_EQ(pool.actions.size(), 0u);
  EXPECT_THAT(pool.call(1, kOld).sent(), ElementsAre(1));
}

}  // namespace pool_generations_test
}  // namespace flame::pool
