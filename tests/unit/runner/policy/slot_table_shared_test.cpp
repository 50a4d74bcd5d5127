// SlotTable: processes that several calls share, because they have threads or because objects live in their slots.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/runner/policy/slot_table_fixture.hpp"

namespace flame::runner {
namespace slot_table_shared_test {

using namespace std::chrono_literals;

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
  EXPECT_EQ(did(), "kill 1 by fault");
}

TEST_F(ThreadedSlotTableTest, ARetiredProcessIsKilledAfterItsGraceWithTheInnocentInIt) {
  lease(7);
  lease(8);
  table->kill(now, {1, 2});
  did();
  pass(4999ms);
  EXPECT_EQ(did(), "");
  pass(1ms);
  EXPECT_EQ(did(), "kill 1 by fault");
}

TEST_F(ThreadedSlotTableTest, WhatASlotLeftBehindCostsTheOthersNothingHoweverLongTheyRun) {
  lease(7);
  lease(8);
  did();
  freed(1, 2, false);
  EXPECT_EQ(did(), "fork 2x3");
  for (std::uint32_t i = 0; i < 3; ++i) ready(2, i);
  pass(1h);
  EXPECT_EQ(did().find("kill"), std::string::npos);
  freed(1, 1);
  EXPECT_EQ(did(), "kill 1");
}

TEST_F(ThreadedSlotTableTest, ATaskThatHangsInARetiredProcessIsKilledAfterTheGrace) {
  lease(7);
  lease(8);
  lease(9);
  freed(1, 2, false);
  table->kill(now, {1, 1});
  did();
  pass(4999ms);
  EXPECT_EQ(did().find("kill 1"), std::string::npos);
  pass(1ms);
  EXPECT_EQ(did(), "kill 1 by fault");
}

TEST_F(ThreadedSlotTableTest, ADeafTaskAloneIsKilledAtOnce) {
  lease(7);
  did();
  table->kill(now, {1, 2});
  EXPECT_EQ(did(), "kill 1 by fault, fork 2x3");
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
    EXPECT_EQ(did(), "kill 1 by fault");
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
  table->slot_entered({1, 0});
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
  EXPECT_EQ(did(), "kill 1 by fault");
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
  EXPECT_EQ(did(), "kill 1 by fault");
}

}  // namespace slot_table_shared_test
}  // namespace flame::runner
