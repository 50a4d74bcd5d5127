// SlotTable: leases, spares, discards, kills and back-off, in the table's own words.
#include "runner/slot_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace flame::runner {
namespace {

using namespace std::chrono_literals;

class SlotTableTest : public testing::Test {
 protected:
  static wire::Welcome welcome(std::uint32_t slots, wire::Isolation isolation = wire::Isolation::process) {
    wire::Welcome message;
    message.slots = slots;
    message.isolation = isolation;
    message.warm = 1;
    return message;
  }
  void make(const wire::Welcome& message) { table.emplace(message); }
  // "fork 1", "fork 1x4", "grant 7 1.0", "kill 1", "kill 1 for 7", "fail 7".
  std::string did() {
    std::string text;
    for (const auto& action : table->take_actions()) {
      if (!text.empty()) text += ", ";
      if (const auto* fork = std::get_if<ForkProcess>(&action)) {
        text += "fork " + std::to_string(fork->process);
        if (fork->threads) text += "x" + std::to_string(fork->slots);
      } else if (const auto* grant = std::get_if<GrantSlot>(&action)) {
        text += "grant " + std::to_string(grant->invocation) + " " + std::to_string(grant->slot.process) + "." +
                std::to_string(grant->slot.index);
      } else if (const auto* kill = std::get_if<KillProcess>(&action)) {
        text += (kill->overdue ? "overdue " : "kill ") + std::to_string(kill->process);
        for (const auto id : kill->blamed) text += " for " + std::to_string(id);
      } else if (const auto* fail = std::get_if<FailWaiting>(&action)) {
        text += "fail " + std::to_string(fail->invocation);
      }
    }
    return text;
  }
  void up() { table->generation_up(now, 0, true); }
  void ready(ProcessId process, std::uint32_t index = 0) { table->slot_ready(now, {process, index}); }
  void lease(std::uint64_t id) { table->lease(now, 0, id); }
  void freed(ProcessId process, std::uint32_t index = 0, bool reusable = true) {
    table->slot_freed(now, {process, index}, reusable);
  }
  void pass(Duration time) {
    now += time;
    table->tick(now);
  }

  Instant now{1000s};
  std::optional<SlotTable> table{std::in_place, welcome(4)};
};

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
  message.warm = 3;
  make(message);
  up();
  EXPECT_EQ(did(), "fork 1, fork 2, fork 3");
}

TEST_F(SlotTableTest, WithoutSparesASlotIsForkedWhenACallNeedsIt) {
  wire::Welcome message = welcome(4);
  message.warm = 0;
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
  EXPECT_EQ(did(), "fork 1, fork 2");
  ready(2);
  EXPECT_EQ(did(), "grant 7 2.0");
}

TEST_F(SlotTableTest, WaitingCallsAreServedInOrder) {
  lease(7);
  lease(8);
  up();
  EXPECT_EQ(did(), "fork 1, fork 2, fork 3");
  ready(1);
  EXPECT_EQ(did(), "grant 7 1.0");
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
  EXPECT_EQ(did(), "fork 1, fork 2, fork 3");
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

TEST_F(SlotTableTest, AKilledCallTakesItsProcessWithIt) {
  up();
  ready(1);
  lease(7);
  did();
  table->kill(now, {1, 0});
  EXPECT_EQ(did(), "kill 1 for 7");
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
  table->start_failed(now, 2);
  EXPECT_EQ(did(), "");
  pass(table->wake_at() - now);
  EXPECT_EQ(did(), "fork 3");
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
  EXPECT_EQ(did(), "fork 1, fork 2");
  pass(1999ms);
  EXPECT_EQ(did(), "");
  EXPECT_LE(table->wake_at(), now + 1ms);
  pass(1ms);
  EXPECT_THAT(did(), testing::AnyOf("overdue 1, overdue 2, fork 3, fork 4", "overdue 2, overdue 1, fork 3, fork 4"))
      << "the calls still need slots";
  table->start_failed(now, 1);
  EXPECT_EQ(did(), "fail 7");
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
  EXPECT_EQ(did(), "kill 5, kill 1, kill 2");
  EXPECT_EQ(table->free_slots(0), 2u);
}

class ThreadedSlotTableTest : public SlotTableTest {
 protected:
  void SetUp() override {
    make(welcome(3, wire::Isolation::thread));
    up();
    for (std::uint32_t i = 0; i < 3; ++i) ready(1, i);
  }
};

TEST_F(ThreadedSlotTableTest, OneProcessHoldsAllSlots) {
  EXPECT_EQ(did(), "fork 1x3");
}

TEST_F(ThreadedSlotTableTest, ADeafTaskRetiresItsProcessWhichDiesAfterTheOthers) {
  lease(7);
  lease(8);
  did();
  table->kill(now, {1, 2});
  EXPECT_EQ(did(), "fork 2x3") << "a fresh one takes over";
  lease(9);
  EXPECT_EQ(did(), "") << "the retired process takes no call";
  for (std::uint32_t i = 0; i < 3; ++i) ready(2, i);
  EXPECT_EQ(did(), "grant 9 2.0");
  freed(1, 1);
  EXPECT_EQ(did(), "kill 1 for 7");
}

TEST_F(ThreadedSlotTableTest, ARetiredProcessIsKilledAfterItsGraceWithTheInnocentInIt) {
  lease(7);
  lease(8);
  table->kill(now, {1, 2});
  did();
  pass(4999ms);
  EXPECT_EQ(did(), "");
  pass(1ms);
  EXPECT_EQ(did(), "kill 1 for 7");
}

TEST_F(ThreadedSlotTableTest, ADeafTaskAloneIsKilledAtOnce) {
  lease(7);
  did();
  table->kill(now, {1, 2});
  EXPECT_EQ(did(), "kill 1 for 7, fork 2x3");
}

TEST_F(ThreadedSlotTableTest, WhenTheHostIsLostTheInnocentHaveThePoolsGraceInsteadOfThat) {
  for (const Duration grace : {Duration(2s), Duration(30s)}) {
    wire::Welcome message = welcome(3, wire::Isolation::thread);
    message.shutdown_grace_ns = grace.count();
    message.kill_grace_ns = Duration(250ms).count();
    make(message);
    up();
    for (std::uint32_t i = 0; i < 3; ++i) ready(1, i);
    lease(7);
    lease(8);
    table->kill(now, {1, 2}, true);
    for (std::uint32_t i = 0; i < 3; ++i) ready(2, i);
    did();
    pass(grace + 249ms);
    EXPECT_EQ(did(), "") << "asked to stop at the end of the grace, it may still end by itself";
    pass(1ms);
    EXPECT_EQ(did(), "kill 1 for 7");
  }
}

// --- held slots

TEST_F(SlotTableTest, AHeldSlotIsKeptForItsObjectsAndEnteredByCallsOnThem) {
  up();
  ready(1);
  lease(7);
  EXPECT_EQ(did(), "fork 1, grant 7 1.0, fork 2");
  table->slot_held({1, 0});
  lease(8);
  EXPECT_EQ(did(), "fork 3") << "it is not for others";
  ready(2);
  ready(3);
  EXPECT_EQ(did(), "grant 8 2.0");
  table->slot_entered({1, 0}, 9);
  table->slot_held({1, 0});
  pass(100s);
  EXPECT_EQ(did(), "") << "idle as it is, it stays";
  table->slot_released(now, {1, 0}, true);
  lease(10);
  EXPECT_EQ(did(), "grant 10 1.0");
}

TEST_F(SlotTableTest, AHeldSlotIsDiscardedOnlyWhenItIsReleased) {
  wire::Welcome message = welcome(4);
  message.reuse = false;
  make(message);
  up();
  ready(1);
  lease(7);
  EXPECT_EQ(did(), "fork 1, grant 7 1.0, fork 2");
  table->slot_held({1, 0});
  EXPECT_EQ(did(), "");
  table->slot_released(now, {1, 0}, true);
  EXPECT_EQ(did(), "kill 1");
}

TEST_F(SlotTableTest, AHeldSlotCanBeKilledWhileNothingRunsInIt) {
  up();
  ready(1);
  lease(7);
  table->slot_held({1, 0});
  static_cast<void>(did());
  table->kill(now, {1, 0});
  EXPECT_EQ(did(), "kill 1 for 0");
}

TEST_F(SlotTableTest, AHeldThreadKeepsARetiredProcessAliveForTheGrace) {
  make(welcome(2, wire::Isolation::thread));
  up();
  ready(1, 0);
  ready(1, 1);
  lease(7);
  lease(8);
  static_cast<void>(did());
  table->slot_held({1, 1});
  table->kill(now, {1, 0});
  EXPECT_EQ(did(), "fork 2x2") << "the other thread holds objects";
  pass(5s);
  EXPECT_EQ(did(), "kill 1 for 8");
}

}  // namespace
}  // namespace flame::runner
