// SlotTable: processes with one slot each that start, do not start, are killed or die.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "plugin_sdk/base/limits.hpp"
#include "tests/unit/runner/policy/slot_table_fixture.hpp"

namespace flame::runner {
namespace slot_table_processes_test {

using namespace std::chrono_literals;

TEST_F(SlotTableTest, ADiscardedSlotIsKilledAndReplaced) {
  up();
  ready(1);
  lease(7);
  ready(2);
  did();
  freed(1, 0, false);
  EXPECT_EQ(did(), "kill 1");
  lease(8);
  EXPECT_EQ(did(), "grant 8 2.0, fork 3");
  table->process_gone(now, 1);
  EXPECT_EQ(did(), "");
}

TEST_F(SlotTableTest, ASlotThatDoesNotStartIsGivenUpEvenIfTheHostSetNoLimit) {
  make(welcome(1));
  up();
  did();
  pass(limits::kStartLimitDefault - 1ns);
  EXPECT_EQ(did(), "");
  pass(1ns);
  EXPECT_THAT(did(), testing::HasSubstr("overdue 1"));
}

TEST_F(SlotTableTest, AKilledCallTakesItsProcessWithIt) {
  up();
  ready(1);
  lease(7);
  did();
  table->kill(now, {1, 0});
  EXPECT_EQ(did(), "kill 1 by fault");
  table->kill(now, {1, 0});
  EXPECT_EQ(did(), "");
}

TEST_F(SlotTableTest, AnIdleSlotWhoseChannelIsLostIsKilledAndGetsNoCall) {
  up();
  ready(1);
  did();
  table->channel_lost(now, {1, 0});
  EXPECT_EQ(did(), "kill 1, fork 2");
  lease(7);
  table->process_gone(now, 1);
  ready(2);
  EXPECT_EQ(did(), "fork 3, grant 7 2.0");
}

TEST_F(SlotTableTest, ACallThatIsAboutToGetASlotWhoseChannelIsLostGetsAnother) {
  up();
  ready(1);
  did();
  lease(7);
  table->channel_lost(now, {1, 0});
  EXPECT_EQ(did(), "fork 2, kill 1") << "it was not sent";
  table->process_gone(now, 1);
  ready(2);
  pass(1ms);
  EXPECT_THAT(did(), testing::HasSubstr("grant 7 2.0"));
}

TEST_F(SlotTableTest, AProcessThatDiesIsReplaced) {
  up();
  ready(1);
  did();
  table->process_gone(now, 1);
  EXPECT_EQ(did(), "fork 2");
}

TEST_F(SlotTableTest, AFailedStartFailsOneWaitingCallAndBacksOff) {
  lease(7);
  up();
  did();
  table->start_failed(now, 1);
  EXPECT_EQ(did(), "fail 7");
  pass(table->wake_at() - now);
  EXPECT_EQ(did(), "fork 2");
}

TEST_F(SlotTableTest, AShortageFailsNoCallThatALivingSlotCanServe) {
  up();
  ready(1);
  lease(7);
  lease(8);
  EXPECT_EQ(did(), "fork 1, grant 7 1.0, fork 2, fork 3");
  for (ProcessId process = 2; process < 20; ++process) {
    table->start_failed(now, process, StartFailure::shortage);
    pass(std::chrono::seconds(3));
    EXPECT_EQ(did().find("fail"), std::string::npos) << process;
  }
  freed(1);
  EXPECT_EQ(did(), "grant 8 1.0");
}

TEST_F(SlotTableTest, AShortageThatLastsFailsACallThatNoLivingSlotCanServe) {
  wire::Welcome message = welcome(4);
  message.spare_slots = 0;
  make(message);
  up();
  lease(7);
  EXPECT_EQ(did(), "fork 1");
  for (ProcessId process = 1; process < limits::kShortageTries; ++process) {
    table->start_failed(now, process, StartFailure::shortage);
    EXPECT_EQ(did(), "");
    pass(std::chrono::seconds(3));
    EXPECT_EQ(did(), "fork " + std::to_string(process + 1));
  }
  table->start_failed(now, limits::kShortageTries, StartFailure::shortage);
  EXPECT_EQ(did(), "fail 7");
}

TEST_F(SlotTableTest, AShortageFailsNoCallWhileAnotherProcessIsBeingMade) {
  const std::uint32_t burst = limits::kShortageTries + 4;
  make(welcome(burst));
  up();
  for (std::uint64_t id = 1; id <= burst; ++id) lease(id);
  for (ProcessId process = 2; process <= burst; ++process) {
    table->start_failed(now, process, StartFailure::shortage);
    EXPECT_EQ(did().find("fail"), std::string::npos) << process;
  }
  ready(1);
  EXPECT_EQ(did(), "grant 1 1.0");
}

TEST_F(SlotTableTest, ShortagesSideBySideAreOneTry) {
  wire::Welcome message = welcome(2 * limits::kShortageTries);
  message.spare_slots = 0;
  make(message);
  up();
  for (std::uint64_t id = 1; id <= 2 * limits::kShortageTries; ++id) lease(id);
  did();
  for (ProcessId process = 1; process <= 2 * limits::kShortageTries; ++process) {
    table->start_failed(now, process, StartFailure::shortage);
  }
  EXPECT_EQ(did(), "") << "nothing is ready and nothing starts, but it was tried once only";
}

TEST_F(SlotTableTest, AStartSlotThatThrowsFailsNoCallThatALivingSlotCanServe) {
  up();
  ready(1);
  lease(7);
  lease(8);
  did();
  table->start_failed(now, 2);
  table->start_failed(now, 3);
  EXPECT_EQ(did(), "");
  freed(1);
  EXPECT_EQ(did(), "grant 8 1.0");
}

TEST_F(SlotTableTest, BackOffGrowsUntilAStartWorks) {
  up();
  ProcessId process = 1;
  Duration last = Duration::zero();
  for (int i = 0; i < 5; ++i) {
    table->start_failed(now, process++);
    const Duration wait = table->wake_at() - now;
    EXPECT_GT(wait, last);
    last = wait;
    pass(wait);
  }
  did();
  ready(process);
  table->process_gone(now, process);
  EXPECT_EQ(did(), "fork " + std::to_string(process + 1));
}

TEST_F(SlotTableTest, AProcessThatDoesNotBecomeReadyInTimeIsKilledAndFailsACall) {
  wire::Welcome message = welcome(4);
  message.start_limit_ns = std::chrono::nanoseconds(2s).count();
  make(message);
  lease(7);
  up();
  EXPECT_EQ(did(), "fork 1");
  pass(1999ms);
  EXPECT_EQ(did(), "");
  EXPECT_LE(table->wake_at(), now + 1ms);
  pass(1ms);
  EXPECT_EQ(did(), "overdue 1, fork 2") << "the call still needs a slot";
  table->start_failed(now, 1);
  EXPECT_EQ(did(), "fail 7");
}

TEST_F(SlotTableTest, AProcessThatStartsWhileTheRunnerStandsStillGetsThatTimeAnew) {
  wire::Welcome message = welcome(4);
  message.start_limit_ns = std::chrono::nanoseconds(2s).count();
  make(message);
  up();
  EXPECT_EQ(did(), "fork 1");
  table->stood_still(now + 1h, 1h - 500ms);
  pass(1h);
  EXPECT_EQ(did(), "");
  pass(1499ms);
  EXPECT_EQ(did(), "");
  pass(1ms);
  EXPECT_EQ(did(), "overdue 1, fork 2");
}

TEST_F(SlotTableTest, AReadyProcessMayWaitForItsCallAsLongAsItLikes) {
  wire::Welcome message = welcome(4);
  message.start_limit_ns = std::chrono::nanoseconds(2s).count();
  make(message);
  up();
  ready(1);
  did();
  pass(1h);
  EXPECT_EQ(did(), "");
}

TEST_F(SlotTableTest, ThreadsThatHangInStartSlotLeaveTheOthersServing) {
  wire::Welcome message = welcome(3, wire::Isolation::thread);
  message.start_limit_ns = std::chrono::nanoseconds(2s).count();
  make(message);
  up();
  EXPECT_EQ(did(), "fork 1x3");
  pass(1s);
  ready(1, 0);
  pass(1500ms);
  EXPECT_EQ(did(), "") << "each of them has the whole time: they start one after the other";
  pass(1s);
  lease(7);
  EXPECT_EQ(did(), "grant 7 1.0");
  ready(1, 1);
  lease(8);
  EXPECT_EQ(did(), "grant 8 1.1") << "late is better than never";
  freed(1, 0, false);
  freed(1, 1);
  EXPECT_EQ(did(), "fork 2x3, kill 1");
}

TEST_F(SlotTableTest, AGenerationThatIsDownForksNothingButItsSlotsServe) {
  up();
  ready(1);
  did();
  table->generation_down(0);
  lease(7);
  EXPECT_EQ(did(), "grant 7 1.0");
  lease(8);
  EXPECT_EQ(did(), "");
  freed(1);
  EXPECT_EQ(did(), "grant 8 1.0");
  up();
  EXPECT_EQ(did(), "fork 2");
}

TEST_F(SlotTableTest, WithoutForkingSlotsAreMadeOnDemandOnly) {
  table->generation_up(now, 0, false);
  EXPECT_EQ(did(), "");
  lease(7);
  EXPECT_EQ(did(), "fork 1");
}

}  // namespace slot_table_processes_test
}  // namespace flame::runner
