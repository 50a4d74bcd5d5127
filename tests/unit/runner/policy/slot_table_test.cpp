// SlotTable: leases, spares and discards of processes with one slot each.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "plugin_sdk/base/limits.hpp"
#include "tests/unit/runner/policy/slot_table_fixture.hpp"

namespace flame::runner {
namespace slot_table_test {

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

TEST_F(SlotTableTest, AWaitingCallCanBeWithdrawn) {
  lease(7);
  EXPECT_TRUE(table->withdraw(7));
  EXPECT_FALSE(table->withdraw(7));
  up();
  EXPECT_EQ(did(), "fork 1");
  ready(1);
  EXPECT_EQ(did(), "");
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

}  // namespace slot_table_test
}  // namespace flame::runner
