// Terminator: when invocations and the runner itself end.
#include "runner/terminator.hpp"

#include <gtest/gtest.h>

#include <string>

namespace flame::runner {
namespace {

using namespace std::chrono_literals;

constexpr Instant kStart{1000s};

class TerminatorTest : public testing::Test {
 protected:
  wire::Welcome welcome() const {
    wire::Welcome message;
    message.session = 1;
    message.idle_shutdown_ns = Duration(10s).count();
    message.shutdown_grace_ns = Duration(30s).count();
    message.kill_grace_ns = Duration(250ms).count();
    return message;
  }
  void serve() { terminator.welcomed(now, welcome()); }
  bool invoke(std::uint64_t id, Duration remaining = kInfinite, bool linked = true) {
    wire::Invoke message;
    message.id = id;
    message.seq = ++seq;
    message.remaining_ns = base::to_wire(remaining);
    message.linked = linked;
    return terminator.invoked(now, message);
  }
  void pass(Duration time) {
    now += time;
    terminator.tick(now);
  }
  // "stop 1", "kill 1", "retire 3 must", "leave 0", in order.
  std::string did() {
    std::string text;
    for (const auto& action : terminator.take_actions()) {
      if (!text.empty()) text += ", ";
      if (const auto* stop = std::get_if<StopTask>(&action)) text += "stop " + std::to_string(stop->id);
      if (const auto* kill = std::get_if<KillTask>(&action)) text += "kill " + std::to_string(kill->id);
      if (const auto* ask = std::get_if<AskRetire>(&action)) {
        text += "retire " + std::to_string(ask->last_seq) + (ask->must ? " must" : "");
      }
      if (std::holds_alternative<CheckIdle>(action)) text += "check";
      if (std::holds_alternative<DropIdleCheck>(action)) text += "drop";
      if (const auto* leave = std::get_if<Leave>(&action)) text += "leave " + std::to_string(leave->status);
    }
    return text;
  }

  Instant now = kStart;
  std::uint64_t seq = 0;
  Terminator terminator{kStart, 20s};
};

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

// --- objects that stay

TEST_F(TerminatorTest, WhatStaysHasNoDeadlineAndKeepsTheRunner) {
  serve();
  EXPECT_TRUE(invoke(1, 1s));
  terminator.stays(now, 1, Stays::tracked);
  pass(100s);
  EXPECT_EQ(did(), "");
  terminator.ended(now, 1);
  pass(10s);
  EXPECT_EQ(did(), "retire 1");
}

TEST_F(TerminatorTest, WhatStaysCanBeCancelled) {
  serve();
  EXPECT_TRUE(invoke(1));
  terminator.stays(now, 1, Stays::child);
  terminator.cancelled(now, 1, wire::CancelReason::cancelled);
  EXPECT_EQ(did(), "stop 1");
  pass(250ms);
  EXPECT_EQ(did(), "kill 1");
}

TEST_F(TerminatorTest, ACancelThatCrossedTheResultStopsWhatStays) {
  serve();
  EXPECT_TRUE(invoke(1));
  terminator.cancelled(now, 1, wire::CancelReason::cancelled);
  EXPECT_EQ(did(), "stop 1");
  terminator.stays(now, 1, Stays::tracked);
  EXPECT_EQ(did(), "stop 1") << "this time what it left";
  pass(250ms);
  EXPECT_EQ(did(), "kill 1");
}

TEST_F(TerminatorTest, AResultThatCrossedItsDeadlineIsTheHostsToJudge) {
  serve();
  EXPECT_TRUE(invoke(1, 1s));
  pass(1s);
  EXPECT_EQ(did(), "stop 1");
  terminator.stays(now, 1, Stays::tracked);
  pass(10s);
  EXPECT_EQ(did(), "");
}

TEST_F(TerminatorTest, ADrainStopsTrackedResourcesAndLinkedChildrenAtOnceAndOthersAfterTheGrace) {
  serve();
  for (std::uint64_t id : {1, 2}) EXPECT_TRUE(invoke(id));
  EXPECT_TRUE(invoke(3, kInfinite, false));
  EXPECT_TRUE(invoke(4, kInfinite, false));
  terminator.stays(now, 1, Stays::tracked);
  terminator.stays(now, 2, Stays::child);
  terminator.stays(now, 3, Stays::child);
  terminator.stays(now, 4, Stays::tracked);
  terminator.host_drains(now, 5s);
  std::string text = did();
  for (const char* stopped : {"stop 1", "stop 2", "stop 4"}) EXPECT_NE(text.find(stopped), std::string::npos) << text;
  EXPECT_EQ(text.find("stop 3"), std::string::npos) << text;
  terminator.ended(now, 1);
  terminator.ended(now, 4);
  pass(4999ms);
  EXPECT_EQ(did(), "") << "they have the grace to end in";
  pass(1ms);
  text = did();
  EXPECT_NE(text.find("kill 2"), std::string::npos) << text;
  EXPECT_NE(text.find("stop 3"), std::string::npos) << text;
  pass(250ms);
  EXPECT_EQ(did(), "kill 3");
  terminator.ended(now, 2);
  terminator.ended(now, 3);
  EXPECT_EQ(did(), "retire 4 must");
  terminator.retire_answered(now, true);
  EXPECT_EQ(did(), "leave 0");
}

TEST_F(TerminatorTest, SigtermLeavesWhatStaysAloneUntilTheHostHasPromised) {
  serve();
  EXPECT_TRUE(invoke(1));
  terminator.stays(now, 1, Stays::child);
  terminator.sigterm(now);
  EXPECT_EQ(did(), "retire 1 must");
  EXPECT_TRUE(invoke(2)) << "a call on it may still come";
  terminator.retire_answered(now, true);
  EXPECT_EQ(did(), "stop 1");
}

TEST_F(TerminatorTest, WhatStaysAfterThePromiseIsStopped) {
  serve();
  EXPECT_TRUE(invoke(1));
  terminator.host_drains(now, 5s);
  terminator.stays(now, 1, Stays::tracked);
  EXPECT_EQ(did(), "stop 1");
}

TEST_F(TerminatorTest, HostLossKillsLinkedChildrenStopsTrackedResourcesAndLeavesOthersTheGrace) {
  serve();
  for (std::uint64_t id : {1, 2}) EXPECT_TRUE(invoke(id));
  EXPECT_TRUE(invoke(3, kInfinite, false));
  terminator.stays(now, 1, Stays::tracked);
  terminator.stays(now, 2, Stays::child);
  terminator.stays(now, 3, Stays::child);
  terminator.host_lost(now, "gone");
  std::string text = did();
  EXPECT_NE(text.find("stop 1"), std::string::npos) << text;
  EXPECT_NE(text.find("kill 2"), std::string::npos) << text;
  EXPECT_EQ(text.find(" 3"), std::string::npos) << text;
  pass(250ms);
  EXPECT_EQ(did(), "kill 1");
  for (std::uint64_t id : {1, 2}) terminator.ended(now, id);
  pass(29'749ms);
  EXPECT_EQ(did(), "");
  pass(1ms);
  EXPECT_EQ(did(), "stop 3");
  terminator.ended(now, 3);
  EXPECT_EQ(did(), "leave 0");
}

TEST_F(TerminatorTest, ASingleUseRunnerLeavesWhenWhatStaysIsGone) {
  wire::Welcome message = welcome();
  message.single_use = true;
  terminator.welcomed(now, message);
  EXPECT_TRUE(invoke(1));
  terminator.stays(now, 1, Stays::child);
  EXPECT_TRUE(invoke(2));
  terminator.ended(now, 2);
  EXPECT_EQ(did(), "");
  terminator.ended(now, 1);
  EXPECT_EQ(did(), "retire 2 must");
}

}  // namespace
}  // namespace flame::runner
