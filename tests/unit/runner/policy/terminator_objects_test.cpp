// Terminator: what becomes of objects that stay in their slots, and of the calls on them.
#include "tests/unit/runner/policy/terminator_fixture.hpp"

namespace flame::runner {
namespace terminator_objects_test {

using namespace std::chrono_literals;

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

TEST_F(TerminatorTest, ACancelBetweenALateResultAndWhatItLeavesIsNotForgotten) {
  serve();
  EXPECT_TRUE(invoke(1, 1s));
  pass(1s);
  EXPECT_EQ(did(), "stop 1");
  terminator.cancelled(now, 1, wire::CancelReason::cancelled);
  EXPECT_EQ(did(), "");
  terminator.stays(now, 1, Stays::tracked);
  EXPECT_EQ(did(), "stop 1") << "what it left";
  pass(250ms);
  EXPECT_EQ(did(), "kill 1");
}

TEST_F(TerminatorTest, ADrainStopsTrackedResourcesAndLinkedChildrenAtOnceAndOthersAfterTheGrace) {
  serve();
  for (std::uint64_t id : {1U, 2U}) EXPECT_TRUE(invoke(id));
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

TEST_F(TerminatorTest, HostLossStopsLinkedChildrenAndTrackedResourcesAndLeavesOthersTheGrace) {
  serve();
  for (std::uint64_t id : {1U, 2U}) EXPECT_TRUE(invoke(id));
  EXPECT_TRUE(invoke(3, kInfinite, false));
  terminator.stays(now, 1, Stays::tracked);
  terminator.stays(now, 2, Stays::child);
  terminator.stays(now, 3, Stays::child);
  terminator.host_lost(now, "gone");
  EXPECT_EQ(did_sorted(), "stop 1, stop 2");
  pass(250ms);
  EXPECT_EQ(did_sorted(), "kill 1, kill 2");
  for (std::uint64_t id : {1U, 2U}) terminator.ended(now, id);
  pass(29'749ms);
  EXPECT_EQ(did(), "");
  pass(1ms);
  EXPECT_EQ(did(), "stop 3");
  terminator.ended(now, 3);
  EXPECT_EQ(did(), "leave 0");
}

TEST_F(TerminatorTest, AMethodOfAnUnlinkedChildHasTheGraceThatItsChildHas) {
  serve();
  EXPECT_TRUE(invoke(1, kInfinite, false));
  terminator.stays(now, 1, Stays::child);
  EXPECT_TRUE(invoke(2, kInfinite, true, 1)) << "methods are linked unless told otherwise";
  terminator.host_lost(now, "gone");
  EXPECT_EQ(did(), "");
  pass(29'999ms);
  EXPECT_EQ(did(), "");
  pass(1ms);
  EXPECT_EQ(did_sorted(), "stop 1, stop 2");
  pass(249ms);
  EXPECT_EQ(did(), "");
  pass(1ms);
  EXPECT_EQ(did_sorted(), "kill 1, kill 2");
}

TEST_F(TerminatorTest, AMethodOfAnUnlinkedChildKeepsItsOwnDeadlineInTheGrace) {
  serve();
  EXPECT_TRUE(invoke(1, kInfinite, false));
  terminator.stays(now, 1, Stays::child);
  EXPECT_TRUE(invoke(2, 5s, true, 1));
  terminator.host_lost(now, "gone");
  pass(5s);
  EXPECT_EQ(did(), "stop 2");
}

TEST_F(TerminatorTest, HostLossStopsAMethodBeforeItKillsSoThatDestructorsRun) {
  for (const Stays what : {Stays::tracked, Stays::child}) {
    for (const bool linked : {true, false}) {
      now += 100s;
      terminator = Terminator(now, 20s);
      serve();
      EXPECT_TRUE(invoke(1));
      terminator.stays(now, 1, what);
      EXPECT_TRUE(invoke(2, kInfinite, linked, 1)) << "a method has no link of its own";
      terminator.host_lost(now, "gone");
      EXPECT_EQ(did_sorted(), "stop 1, stop 2");
      pass(249ms);
      EXPECT_EQ(did(), "");
      pass(1ms);
      EXPECT_EQ(did_sorted(), "kill 1, kill 2");
    }
  }
}

TEST_F(TerminatorTest, AMethodThatWasStoppedAlreadyIsKilledAtItsTimeWhenTheHostIsLost) {
  serve();
  EXPECT_TRUE(invoke(1));
  terminator.stays(now, 1, Stays::tracked);
  EXPECT_TRUE(invoke(2, kInfinite, true, 1));
  terminator.cancelled(now, 2, wire::CancelReason::cancelled);
  EXPECT_EQ(did(), "stop 2");
  pass(100ms);
  terminator.host_lost(now, "gone");
  EXPECT_EQ(did(), "stop 1");
  pass(150ms);
  EXPECT_EQ(did(), "kill 2");
}

TEST_F(TerminatorTest, AMethodWhoseObjectIsGoneIsLostByItsOwnLink) {
  serve();
  EXPECT_TRUE(invoke(2, kInfinite, true, 1));
  EXPECT_TRUE(invoke(3, kInfinite, false, 1));
  terminator.host_lost(now, "gone");
  EXPECT_EQ(did(), "kill 2");
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

}  // namespace terminator_objects_test
}  // namespace flame::runner
