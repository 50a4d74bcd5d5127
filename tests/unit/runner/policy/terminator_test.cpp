// Terminator: when invocations and the runner itself end.
#include "tests/unit/runner/policy/terminator_fixture.hpp"

namespace flame::runner {
namespace terminator_test {

using namespace std::chrono_literals;

TEST_F(TerminatorTest, LeavesAtTheFailsafeIfNoHostWelcomesIt) {
  pass(19999ms);
  EXPECT_EQ(did(), "");
  pass(1ms);
  EXPECT_EQ(did(), "leave 1");
}

TEST_F(TerminatorTest, AWelcomeEndsTheFailsafe) {
  serve();
  EXPECT_TRUE(invoke(1));
  pass(60s);
  EXPECT_EQ(did(), "");
}

TEST_F(TerminatorTest, AsksToRetireWhenIdleAndLeavesWhenGranted) {
  serve();
  pass(10s);
  EXPECT_EQ(did(), "retire 0");
  terminator.retire_answered(now, true);
  EXPECT_EQ(did(), "leave 0");
}

TEST_F(TerminatorTest, ADeniedRetireArmsTheIdleTimerAnew) {
  serve();
  pass(10s);
  EXPECT_EQ(did(), "retire 0");
  terminator.retire_answered(now, false);
  pass(9999ms);
  EXPECT_EQ(did(), "");
  pass(1ms);
  EXPECT_EQ(did(), "retire 0");
}

TEST_F(TerminatorTest, ACallThatCrossesARetireIsServed) {
  serve();
  pass(10s);
  EXPECT_EQ(did(), "retire 0");
  EXPECT_TRUE(invoke(1));
  terminator.retire_answered(now, false);
  pass(60s);
  EXPECT_EQ(did(), "");
  terminator.ended(now, 1);
  pass(10s);
  EXPECT_EQ(did(), "retire 1");
}

TEST_F(TerminatorTest, WorkStopsTheIdleTimer) {
  serve();
  pass(9s);
  EXPECT_TRUE(invoke(1));
  pass(100s);
  EXPECT_EQ(did(), "");
  terminator.ended(now, 1);
  pass(9999ms);
  EXPECT_EQ(did(), "");
  pass(1ms);
  EXPECT_EQ(did(), "retire 1");
}

TEST_F(TerminatorTest, ADeadlineStopsThenKills) {
  serve();
  EXPECT_TRUE(invoke(1, 1s));
  EXPECT_LE(terminator.wake_at(), now + 1s);
  pass(999ms);
  EXPECT_EQ(did(), "");
  pass(1ms);
  EXPECT_EQ(did(), "stop 1");
  pass(249ms);
  EXPECT_EQ(did(), "");
  pass(1ms);
  EXPECT_EQ(did(), "kill 1");
  pass(10s);
  EXPECT_EQ(did(), "");
}

TEST_F(TerminatorTest, ACancelStopsThenKillsAndASecondOneChangesNothing) {
  serve();
  EXPECT_TRUE(invoke(1));
  terminator.cancelled(now, 1, wire::CancelReason::cancelled);
  EXPECT_EQ(did(), "stop 1");
  pass(200ms);
  terminator.cancelled(now, 1, wire::CancelReason::timed_out);
  pass(50ms);
  EXPECT_EQ(did(), "kill 1");
}

TEST_F(TerminatorTest, ACallThatEndedInTimeIsLeftAlone) {
  serve();
  EXPECT_TRUE(invoke(1, 1s));
  terminator.ended(now, 1);
  terminator.cancelled(now, 1, wire::CancelReason::cancelled);
  pass(5s);
  EXPECT_EQ(did(), "");
}

TEST_F(TerminatorTest, SigtermAsksWithMustAndLeavesAfterTheLastCall) {
  serve();
  EXPECT_TRUE(invoke(1));
  terminator.sigterm(now);
  EXPECT_EQ(did(), "retire 1 must");
  EXPECT_TRUE(invoke(2)) << "sent before the host read the request";
  terminator.retire_answered(now, true);
  EXPECT_FALSE(invoke(3));
  terminator.ended(now, 1);
  EXPECT_EQ(did(), "");
  terminator.ended(now, 2);
  EXPECT_EQ(did(), "retire 2 must")
      << "their results may still be on the other connection: our goodbye must not pass them";
  terminator.retire_answered(now, true);
  EXPECT_EQ(did(), "leave 0");
}

TEST_F(TerminatorTest, ARunnerThatWasLetGoDoesNotWaitForEverForTheHostToHaveItsResults) {
  serve();
  EXPECT_TRUE(invoke(1));
  terminator.sigterm(now);
  terminator.retire_answered(now, true);
  terminator.ended(now, 1);
  EXPECT_EQ(did(), "retire 1 must, retire 1 must");
  pass(10s);
  EXPECT_EQ(did(), "leave 0");
}

TEST_F(TerminatorTest, ASecondSigtermChangesNothing) {
  serve();
  EXPECT_TRUE(invoke(1));
  terminator.sigterm(now);
  terminator.sigterm(now);
  EXPECT_EQ(did(), "retire 1 must");
}

TEST_F(TerminatorTest, ADrainEndsWithItsGraceThenStopsAndKills) {
  serve();
  EXPECT_TRUE(invoke(1));
  terminator.host_drains(now, 2s);
  pass(1999ms);
  EXPECT_EQ(did(), "");
  pass(1ms);
  EXPECT_EQ(did(), "stop 1");
  pass(250ms);
  EXPECT_EQ(did(), "kill 1");
  terminator.ended(now, 1);
  EXPECT_EQ(did(), "retire 1 must");
  terminator.retire_answered(now, true);
  EXPECT_EQ(did(), "leave 0");
}

TEST_F(TerminatorTest, AsksAgainWhenAResultLeftAfterItHadAsked) {
  serve();
  EXPECT_TRUE(invoke(1));
  terminator.sigterm(now);
  terminator.ended(now, 1);
  EXPECT_EQ(did(), "retire 1 must");
  terminator.retire_answered(now, true);
  EXPECT_EQ(did(), "retire 1 must") << "the answer may have crossed the result";
  terminator.retire_answered(now, true);
  EXPECT_EQ(did(), "leave 0");
}

TEST_F(TerminatorTest, ADrainWithoutAnswerFromTheHostEndsAllTheSame) {
  serve();
  terminator.sigterm(now);
  EXPECT_EQ(did(), "retire 0 must");
  pass(9999ms);
  EXPECT_EQ(did(), "");
  pass(1ms);
  EXPECT_EQ(did(), "leave 0");
}

TEST_F(TerminatorTest, AHostWhoseEndWouldBeHeardOfMayTakeAsLongAsItLikesToTakeTheLastResult) {
  wire::Welcome message = welcome();
  message.single_use = true;
  terminator.welcomed(now, message, false, kInfinite);
  EXPECT_TRUE(invoke(1));
  terminator.ended(now, 1);
  EXPECT_EQ(did(), "retire 1 must");
  pass(1h);
  EXPECT_EQ(did(), "") << "it stands at a breakpoint, say";
  terminator.retire_answered(now, true);
  EXPECT_EQ(did(), "leave 0");
}

TEST_F(TerminatorTest, ARunnerThatLostItsPluginsMakesWayWhenNothingRunsInIt) {
  serve();
  EXPECT_TRUE(invoke(1));
  terminator.plugin_lost(now, "video@1.0.0 cannot be used here any more");
  pass(1h);
  EXPECT_EQ(did(), "") << "the host would give it no longer than a shutdown";
  terminator.ended(now, 1);
  EXPECT_EQ(did(), "retire 1 must");
  terminator.retire_answered(now, true);
  EXPECT_EQ(did(), "leave 0");
}

TEST_F(TerminatorTest, SigtermBeforeTheHostIsReachedLeavesAtOnce) {
  terminator.sigterm(now);
  EXPECT_EQ(did(), "leave 0");
}

TEST_F(TerminatorTest, SigtermAfterTheHelloDrainsBecauseTheHostMayHaveSentACall) {
  terminator.sigterm(now, true);
  EXPECT_EQ(did(), "");
  serve();
  EXPECT_EQ(did(), "retire 0 must");
  EXPECT_TRUE(invoke(1)) << "sent before the host read the request";
  terminator.retire_answered(now, true);
  terminator.ended(now, 1);
  EXPECT_EQ(did(), "retire 1 must");
}

TEST_F(TerminatorTest, SigtermAfterTheHelloWaitsForTheHostNoLongerThanAMoment) {
  terminator.sigterm(now, true);
  pass(1s);
  EXPECT_EQ(did(), "leave 0");
}

TEST_F(TerminatorTest, SingleUseRetiresAfterTheFirstCall) {
  wire::Welcome message = welcome();
  message.single_use = true;
  terminator.welcomed(now, message);
  EXPECT_TRUE(invoke(1));
  terminator.ended(now, 1);
  EXPECT_EQ(did(), "retire 1 must");
  terminator.retire_answered(now, true);
  EXPECT_EQ(did(), "leave 0");
}

TEST_F(TerminatorTest, HostLossKillsLinkedWorkAtOnceAndGivesTheRestItsGrace) {
  serve();
  EXPECT_TRUE(invoke(1, kInfinite, true));
  EXPECT_TRUE(invoke(2, kInfinite, false));
  terminator.host_lost(now, "disconnected");
  EXPECT_EQ(did(), "kill 1");
  terminator.ended(now, 1);
  pass(29s);
  EXPECT_EQ(did(), "");
  pass(1s);
  EXPECT_EQ(did(), "stop 2");
  pass(250ms);
  EXPECT_EQ(did(), "kill 2");
  terminator.ended(now, 2);
  EXPECT_EQ(did(), "leave 0");
}

TEST_F(TerminatorTest, AsksThePluginsBeforeTheHost) {
  terminator.welcomed(now, welcome(), true);
  pass(10s);
  EXPECT_EQ(did(), "check");
  terminator.idle_checked(now, true);
  EXPECT_EQ(did(), "retire 0");
}

TEST_F(TerminatorTest, APluginThatStillNeedsTheRunnerArmsTheIdleTimerAnew) {
  terminator.welcomed(now, welcome(), true);
  pass(10s);
  EXPECT_EQ(did(), "check");
  now += 1s;
  terminator.idle_checked(now, false);
  pass(9999ms);
  EXPECT_EQ(did(), "");
  pass(1ms);
  EXPECT_EQ(did(), "check");
  terminator.idle_checked(now, true);
  EXPECT_EQ(did(), "retire 0");
  terminator.retire_answered(now, false);
  pass(10s);
  EXPECT_EQ(did(), "check") << "each time the timer fires";
}

TEST_F(TerminatorTest, ACallThatComesDuringTheCheckDropsIt) {
  terminator.welcomed(now, welcome(), true);
  pass(10s);
  EXPECT_TRUE(invoke(1));
  EXPECT_EQ(did(), "check, drop");
  terminator.idle_checked(now, true);
  EXPECT_EQ(did(), "");
  terminator.ended(now, 1);
  pass(10s);
  EXPECT_EQ(did(), "check");
}

TEST_F(TerminatorTest, ADrainAndALostHostNeedNoCheck) {
  terminator.welcomed(now, welcome(), true);
  pass(10s);
  terminator.host_drains(now, 2s);
  EXPECT_EQ(did(), "check, drop, leave 0");
  terminator = Terminator(now, 20s);
  terminator.welcomed(now, welcome(), true);
  pass(10s);
  terminator.host_lost(now, "disconnected");
  EXPECT_EQ(did(), "check, drop, leave 0");
}

TEST_F(TerminatorTest, HostLossWithoutWorkLeavesAtOnce) {
  serve();
  terminator.host_lost(now, "disconnected");
  EXPECT_EQ(did(), "leave 0");
}

TEST_F(TerminatorTest, AfterHostLossNoCallIsTaken) {
  serve();
  EXPECT_TRUE(invoke(1, kInfinite, false));
  terminator.host_lost(now, "disconnected");
  EXPECT_FALSE(invoke(2));
}

TEST_F(TerminatorTest, UnlinkedWorkThatEndsInItsGraceEndsTheRunner) {
  serve();
  EXPECT_TRUE(invoke(1, kInfinite, false));
  terminator.host_lost(now, "disconnected");
  pass(1s);
  terminator.ended(now, 1);
  EXPECT_EQ(did(), "leave 0");
}

}  // namespace terminator_test
}  // namespace flame::runner
