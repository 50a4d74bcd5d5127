// Slots that are left alone for a moment, and slots that are discarded: whom calls get instead.
#include "tests/unit/runner/policy/slot_table_fixture.hpp"

namespace flame::runner {
namespace slot_table_aside_test {

class SlotTableAside : public SlotTableTest {
 protected:
  /// Two free slots: of process 1, which a call has just left, and the spare, 2.
  void two_free() {
    up();
    ready(1);
    lease(7);
    ready(2);
    freed(1);
    EXPECT_EQ(did(), "fork 1, grant 7 1.0, fork 2");
  }
};

TEST_F(SlotTableAside, ASlotThatIsSetAsideIsUsedLast) {
  two_free();
  EXPECT_TRUE(table->set_aside(now, {1, 0}));
  EXPECT_EQ(did(), "");
  lease(8);
  EXPECT_EQ(did(), "grant 8 2.0, fork 3") << "another is made in its place";
  lease(9);
  EXPECT_EQ(did(), "grant 9 1.0") << "and no call waits for that";
}

TEST_F(SlotTableAside, ItServesBeforeOthersWhenItIsPutBack) {
  up();
  ready(1);
  lease(7);
  freed(1);
  EXPECT_TRUE(table->set_aside(now, {1, 0}));
  ready(2);
  table->put_back(now, {1, 0});
  EXPECT_EQ(did(), "fork 1, grant 7 1.0, fork 2");
  lease(8);
  EXPECT_EQ(did(), "grant 8 1.0");
}

TEST_F(SlotTableAside, ItServesBeforeOthersThoughACallRanBesideItWhenItWasPutBack) {
  two_free();
  EXPECT_TRUE(table->set_aside(now, {1, 0}));
  lease(8);
  EXPECT_EQ(did(), "grant 8 2.0, fork 3");
  table->put_back(now, {1, 0});
  freed(2);
  lease(9);
  EXPECT_EQ(did(), "grant 9 1.0");
}

TEST_F(SlotTableAside, OneAtATimeAndOnlyAFreeOne) {
  two_free();
  EXPECT_TRUE(table->set_aside(now, {1, 0}));
  EXPECT_FALSE(table->set_aside(now, {2, 0}));
  table->put_back(now, {1, 0});
  lease(8);
  EXPECT_FALSE(table->set_aside(now, {1, 0})) << "it runs a call";
  EXPECT_FALSE(table->set_aside(now, {99, 0}));
}

TEST_F(SlotTableAside, WithoutSparesOneIsMadeInItsPlace) {
  wire::Welcome message = welcome(1);
  message.spare_slots = 0;
  make(message);
  up();
  lease(7);
  ready(1);
  freed(1);
  EXPECT_EQ(did(), "fork 1, grant 7 1.0");
  EXPECT_TRUE(table->set_aside(now, {1, 0}));
  EXPECT_EQ(did(), "fork 2");
  ready(2);
  lease(8);
  EXPECT_EQ(did(), "grant 8 2.0");
}

TEST_F(SlotTableAside, WhatIsToBeSetAsideNextGetsNoCallHoweverManyWait) {
  make(welcome(1));
  up();
  ready(1);
  lease(7);
  ready(2);
  lease(8);
  lease(9);
  lease(10);
  EXPECT_EQ(did(), "fork 1, grant 7 1.0, fork 2, grant 8 2.0");
  table->set_aside_next({1, 0});
  freed(1);
  EXPECT_EQ(did(), "fork 3") << "in its place";
  EXPECT_TRUE(table->set_aside(now, {1, 0})) << "it is already";
  ready(3);
  EXPECT_EQ(did(), "grant 9 3.0");
  table->put_back(now, {1, 0});
  EXPECT_EQ(did(), "grant 10 1.0");
  freed(1);
  lease(11);
  EXPECT_EQ(did(), "grant 11 1.0") << "once only";
}

TEST_F(SlotTableAside, OneOfManyIsSetAsideNext) {
  two_free();
  lease(8);
  lease(9);
  EXPECT_EQ(did(), "grant 8 1.0, grant 9 2.0, fork 3");
  table->set_aside_next({1, 0});
  table->set_aside_next({2, 0});
  freed(1);
  freed(2);
  lease(10);
  EXPECT_EQ(did(), "grant 10 2.0");
}

TEST_F(SlotTableAside, WhatWaitsForASlotThatIsSetAsideIsServedWhereItIsDiscarded) {
  make(welcome(1));
  up();
  ready(1);
  lease(7);
  table->set_aside_next({1, 0});
  freed(1);
  lease(8);
  EXPECT_EQ(did(), "fork 1, grant 7 1.0, fork 2, fork 3");
  table->slot_discarded(now, {1, 0});
  EXPECT_EQ(did(), "kill 1");
  ready(2);
  EXPECT_EQ(did(), "grant 8 2.0");
}

TEST_F(SlotTableAside, APluginThatCannotBeForkedGetsNoSecondCopyForALook) {
  make(welcome(1));
  table->generation_up(now, 0, false);
  lease(7);
  ready(1);
  table->set_aside_next({1, 0});
  freed(1);
  lease(8);
  EXPECT_EQ(did(), "fork 1, grant 7 1.0, grant 8 1.0");
}

TEST_F(SlotTableAside, AFreeSlotThatIsDiscardedIsKilledAndTheSpareServes) {
  two_free();
  table->slot_discarded(now, {1, 0});
  EXPECT_EQ(did(), "kill 1");
  lease(8);
  EXPECT_EQ(did(), "grant 8 2.0, fork 3");
  table->slot_discarded(now, {2, 0});
  EXPECT_EQ(did(), "") << "it runs a call";
}

TEST_F(SlotTableAside, ADiscardKeepsNobodyWaitingWhereASpareStandsReady) {
  two_free();
  lease(8);
  EXPECT_EQ(did(), "grant 8 1.0");
  freed(1, 0, false);
  lease(9);
  EXPECT_EQ(did(), "kill 1, grant 9 2.0, fork 3");
}

TEST_F(SlotTableAside, AnIdleProcessThatWasStoppedIsKilledAndReplacedAndGetsNoCall) {
  two_free();
  table->process_stopped(now, 1);
  EXPECT_EQ(did(), "kill 1");
  lease(8);
  EXPECT_EQ(did(), "grant 8 2.0, fork 3");
  table->process_stopped(now, 1);
  table->process_gone(now, 1);
  EXPECT_EQ(did(), "");
}

TEST_F(SlotTableAside, AStoppedProcessThatRunsACallOrHoldsObjectsGoesOnWhenItIsContinued) {
  two_free();
  lease(8);
  did();
  table->process_stopped(now, 1);
  EXPECT_EQ(did(), "");
  table->slot_held({1, 0});
  table->process_stopped(now, 1);
  EXPECT_EQ(did(), "");
  table->slot_released(now, {1, 0}, true);
  EXPECT_EQ(table->free_slots(0), 2U);
}

TEST_F(SlotTableAside, FreeThreadsOfAStoppedProcessGetNoCallAndItsOthersMayEnd) {
  make(welcome(2, wire::Isolation::thread));
  up();
  ready(1, 0);
  ready(1, 1);
  lease(7);
  EXPECT_EQ(did(), "fork 1x2, grant 7 1.1");
  table->process_stopped(now, 1);
  EXPECT_EQ(table->free_slots(0), 0U);
  lease(8);
  EXPECT_EQ(did(), "fork 2x2") << "it waits for a process that runs";
  freed(1, 1);
  EXPECT_EQ(did(), "kill 1");
}

TEST_F(SlotTableAside, NoBriefCallIsSentBehindOneInAStoppedProcess) {
  make(welcome(4), 1);
  up();
  ready(1);
  table->lease(now, 0, 7, true);
  ready(2);
  did();
  table->process_stopped(now, 1);
  table->lease(now, 0, 8, true);
  EXPECT_EQ(did(), "grant 8 2.0, fork 3");
}

}  // namespace slot_table_aside_test
}  // namespace flame::runner
