// SlotTable: leases, spares, discards, kills and back-off of processes with one slot each.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "plugin_sdk/base/limits.hpp"
#include "tests/unit/runner/policy/slot_table_fixture.hpp"

namespace flame::runner {
namespace {

using namespace std::chrono_literals;

TEST_F(SlotTableTest, KeepsOneSpareReady) {
  up();
  EXPECT_EQ(did(), "fork 1");
  ready(1);
  EXPECT_EQ(did(), "");
  lease(7);
  EXPECT_EQ(did(), "grant 7 1.0, fork 2");
}

TEST_F(SlotTableTest, KeepsAsManySparesAsThePoolWants) {
  wire::Welcome message = welcome(4);
  message.spare_slots = 3;
  make(message);
  up();
  EXPECT_EQ(did(), "fork 1, fork 2, fork 3");
}

TEST_F(SlotTableTest, WithoutSparesASlotIsForkedWhenACallNeedsIt) {
  wire::Welcome message = welcome(4);
  message.spare_slots = 0;
  make(message);
  up();
  EXPECT_EQ(did(), "");
  lease(7);
  EXPECT_EQ(did(), "fork 1");
  ready(1);
  EXPECT_EQ(did(), "grant 7 1.0");
  freed(1);
  lease(8);
  EXPECT_EQ(did(), "grant 8 1.0");
}

TEST_F(SlotTableTest, ACallBeforeTheFirstSlotWaitsForIt) {
  lease(7);
  EXPECT_EQ(did(), "");
  up();
  EXPECT_EQ(did(), "fork 1") << "a spare beside it would only delay it";
  ready(1);
  EXPECT_EQ(did(), "grant 7 1.0, fork 2");
}

TEST_F(SlotTableTest, WaitingCallsAreServedInOrder) {
  lease(7);
  lease(8);
  up();
  EXPECT_EQ(did(), "fork 1, fork 2");
  ready(1);
  EXPECT_EQ(did(), "grant 7 1.0, fork 3");
  freed(1);
  EXPECT_EQ(did(), "grant 8 1.0");
}

TEST_F(SlotTableTest, TheWarmestSlotIsUsedAgain) {
  up();
  ready(1);
  lease(7);
  ready(2);
  freed(1);
  did();
  lease(8);
  EXPECT_EQ(did(), "grant 8 1.0");
}

TEST_F(SlotTableTest, NeverMakesMoreProcessesThanSlotsAndSpares) {
  make(welcome(2));
  up();
  for (std::uint64_t id = 1; id <= 9; ++id) lease(id);
  for (ProcessId process = 1; process <= 3; ++process) ready(process);
  EXPECT_EQ(did(), "fork 1, fork 2, grant 1 1.0, fork 3, grant 2 2.0, grant 3 3.0");
}

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

TEST_F(SlotTableTest, WithoutReuseEverySlotServesOneCall) {
  wire::Welcome message = welcome(4);
  message.reuse = false;
  make(message);
  up();
  ready(1);
  lease(7);
  did();
  freed(1);
  EXPECT_EQ(did(), "kill 1");
}

TEST_F(SlotTableTest, ASlotIsReplacedWhenItHasServedItsNumberOfCalls) {
  make(welcome(1));
  up();
  ready(1);
  for (std::uint32_t call = 1; call < limits::kSlotCallsMax; ++call) {
    lease(call);
    freed(1);
  }
  EXPECT_THAT(did(), testing::Not(testing::HasSubstr("kill")));
  lease(limits::kSlotCallsMax);
  freed(1);
  EXPECT_THAT(did(), testing::HasSubstr("kill 1"));
}

TEST_F(SlotTableTest, NeverMakesMoreProcessesThanARunnerMayHave) {
  make(welcome(2 * limits::kMaxConcurrencyCeiling));
  up();
  for (std::uint64_t id = 1; id <= 2 * limits::kMaxConcurrencyCeiling; ++id) lease(id);
  ready(1);
  ready(2);
  const std::string forked = did();
  EXPECT_EQ(std::ranges::count(forked, 'f'), limits::kMaxConcurrencyCeiling + 1) << "and a spare";
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

TEST_F(SlotTableTest, AHeldSlotServesNobodyElse) {
  up();
  ready(1);
  lease(7);
  EXPECT_TRUE(table->serves(0));
  table->slot_held({1, 0});
  EXPECT_FALSE(table->serves(0));
}

TEST_F(SlotTableTest, ASlotThatIsFreeForLongGivesItsArenaBackOnce) {
  up();
  ready(1);
  lease(7);
  freed(1);
  did();
  pass(limits::kArenaIdle - std::chrono::nanoseconds(1));
  EXPECT_EQ(did(), "");
  pass(std::chrono::nanoseconds(1));
  EXPECT_EQ(did(), "trim 1.0");
  pass(limits::kArenaIdle);
  EXPECT_EQ(did(), "");
  lease(8);
  freed(1);
  did();
  pass(limits::kArenaIdle);
  EXPECT_EQ(did(), "trim 1.0") << "it may hold a payload again";
}

TEST_F(SlotTableTest, ASlotThatNeverServedHasNothingToGiveBack) {
  up();
  ready(1);
  did();
  pass(2 * limits::kArenaIdle);
  EXPECT_EQ(did(), "");
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

TEST_F(SlotTableTest, AWaitingCallCanBeWithdrawn) {
  lease(7);
  EXPECT_TRUE(table->withdraw(7));
  EXPECT_FALSE(table->withdraw(7));
  up();
  EXPECT_EQ(did(), "fork 1");
  ready(1);
  EXPECT_EQ(did(), "");
}

TEST_F(SlotTableTest, WithoutForkingSlotsAreMadeOnDemandOnly) {
  table->generation_up(now, 0, false);
  EXPECT_EQ(did(), "");
  lease(7);
  EXPECT_EQ(did(), "fork 1");
}

TEST_F(SlotTableTest, IdleSlotsOfABurstAreGivenBack) {
  up();
  for (std::uint64_t id = 1; id <= 4; ++id) lease(id);
  for (ProcessId process = 1; process <= 5; ++process) ready(process);
  for (ProcessId process = 1; process <= 4; ++process) freed(process);
  did();
  EXPECT_EQ(table->free_slots(0), 5u);
  pass(30s);
  EXPECT_EQ(did(), "kill 5, kill 1, kill 2, trim 3.0, trim 4.0");
  EXPECT_EQ(table->free_slots(0), 2u);
}

}  // namespace
}  // namespace flame::runner
