// SlotTable: slots that are made of a new generation ahead of its calls, and generations that end.
#include <gtest/gtest.h>

#include "plugin_sdk/base/limits.hpp"
#include "tests/unit/runner/policy/slot_table_fixture.hpp"

namespace flame::runner {
namespace slot_table_generations_test {

using namespace std::chrono_literals;

constexpr GenerationId kNew = 1;

class SlotTableGenerations : public SlotTableTest {
 protected:
  void up_ahead(std::uint32_t ahead) { table->generation_up(now, kNew, true, ahead); }
  void fails(ProcessId process, StartFailure why) { table->start_failed(now, process, why); }
  void make_wide(std::uint32_t slots, wire::Isolation isolation = wire::Isolation::process) {
    make(welcome(slots, isolation));
  }
};

TEST_F(SlotTableGenerations, AsManySlotsAreMadeAheadAsWereAskedFor) {
  up_ahead(3);
  EXPECT_EQ(did(), "fork 1, fork 2, fork 3");
  ready(2);
  ready(1);
  EXPECT_EQ(did(), "");
  ready(3);
  EXPECT_EQ(did(), "ahead of 1");
}

TEST_F(SlotTableGenerations, AtLeastTheSparesAreMadeAhead) {
  up_ahead(0);
  EXPECT_EQ(did(), "fork 1");
  ready(1);
  EXPECT_EQ(did(), "ahead of 1");
}

TEST_F(SlotTableGenerations, WithoutSparesAndCallsNothingIsMadeAhead) {
  wire::Welcome message = welcome(4);
  message.spare_slots = 0;
  make(message);
  up_ahead(0);
  EXPECT_EQ(did(), "ahead of 1");
}

TEST_F(SlotTableGenerations, NoMoreAreMadeAheadThanThePoolHasSlots) {
  make_wide(2);
  up_ahead(5);
  EXPECT_EQ(did(), "fork 1, fork 2");
}

TEST_F(SlotTableGenerations, NoMoreAreMadeAheadThanTheLimit) {
  make_wide(100);
  up_ahead(100);
  for (ProcessId process = 1; process < limits::kLoadSlotsMax; ++process) ready(process);
  did();
  ready(limits::kLoadSlotsMax);
  EXPECT_EQ(did(), "ahead of 1");
}

TEST_F(SlotTableGenerations, ThreadsOfOneProcessAreMadeAheadTogether) {
  make_wide(3, wire::Isolation::thread);
  up_ahead(2);
  EXPECT_EQ(did(), "fork 1x3");
  ready(1, 0);
  EXPECT_EQ(did(), "");
  ready(1, 1);
  EXPECT_EQ(did(), "ahead of 1");
}

TEST_F(SlotTableGenerations, ThreadsThatDoNotStartAreNotWaitedForLongerThanTheLimit) {
  make_wide(2, wire::Isolation::thread);
  up_ahead(2);
  ready(1, 0);
  did();
  pass(limits::kStartLimitDefault);
  EXPECT_EQ(did(), "ahead of 1");
}

TEST_F(SlotTableGenerations, AFirstSlotThatFailsIsToldAtOnce) {
  up_ahead(2);
  did();
  fails(1, StartFailure::plugin);
  EXPECT_EQ(did(), "not ahead of 1 for 1");
  fails(2, StartFailure::plugin);
  EXPECT_EQ(did(), "") << "once";
}

TEST_F(SlotTableGenerations, ASlotThatFailsBesideOthersIsTriedAgain) {
  up_ahead(2);
  ready(1);
  did();
  for (std::uint32_t tries = 1; tries < limits::kShortageTries; ++tries) {
    fails(1 + tries, StartFailure::plugin);
    pass(2s);
    EXPECT_EQ(did(), "fork " + std::to_string(2 + tries));
  }
  fails(1 + limits::kShortageTries, StartFailure::plugin);
  EXPECT_EQ(did(), "not ahead of 1 for " + std::to_string(1 + limits::kShortageTries));
}

TEST_F(SlotTableGenerations, AShortageIsNoFailureWhileOneSlotServes) {
  up_ahead(2);
  ready(1);
  did();
  for (std::uint32_t tries = 1; tries < limits::kShortageTries; ++tries) {
    fails(1 + tries, StartFailure::shortage);
    pass(2s);
    did();
  }
  fails(1 + limits::kShortageTries, StartFailure::shortage);
  EXPECT_EQ(did(), "ahead of 1");
}

TEST_F(SlotTableGenerations, AShortageThatLastsIsAFailureIfNoSlotServes) {
  up_ahead(1);
  did();
  for (std::uint32_t tries = 1; tries < limits::kShortageTries; ++tries) {
    fails(tries, StartFailure::shortage);
    pass(2s);
    EXPECT_EQ(did(), "fork " + std::to_string(1 + tries));
  }
  fails(limits::kShortageTries, StartFailure::shortage);
  EXPECT_EQ(did(), "not ahead of 1 for 5");
}

TEST_F(SlotTableGenerations, WhatWasMadeAheadIsKeptUntilTheHostHasAskedItsOtherRunners) {
  up_ahead(4);
  for (ProcessId process = 1; process <= 4; ++process) {
    pass(5s);
    ready(process);
  }
  did();
  pass(limits::kStartLimitDefault - 1s);
  EXPECT_EQ(did().find("kill"), std::string::npos);
  pass(1s);
  EXPECT_EQ(did(), "kill 1, kill 2") << "one more than the spare stays";
}

TEST_F(SlotTableGenerations, TheOldOneGoesOnWhileTheNewOneIsMade) {
  up();
  ready(1);
  did();
  up_ahead(2);
  lease(7);
  EXPECT_EQ(did(), "fork 2, fork 3, grant 7 1.0, fork 4");
}

TEST_F(SlotTableGenerations, AnEndedOneLosesWhatIsIdleAndStarts) {
  up();
  ready(1);
  lease(7);
  ready(2);
  lease(8);
  freed(1);
  EXPECT_EQ(did(), "fork 1, grant 7 1.0, fork 2, grant 8 2.0, fork 3");
  table->end_generation(0);
  const std::string ends = did();
  EXPECT_TRUE(ends == "kill 1, kill 3" || ends == "kill 3, kill 1") << ends;
  table->process_gone(now, 1);
  table->process_gone(now, 3);
  EXPECT_EQ(did(), "") << "nothing is made anew";
  freed(2);
  EXPECT_EQ(did(), "kill 2");
}

TEST_F(SlotTableGenerations, AnEndedOneKeepsWhatIsHeldUntilItIsReleased) {
  up();
  ready(1);
  lease(7);
  table->slot_held({1, 0});
  ready(2);
  did();
  table->end_generation(0);
  EXPECT_EQ(did(), "kill 2");
  table->slot_released(now, {1, 0}, true);
  EXPECT_EQ(did(), "kill 1");
}

TEST_F(SlotTableGenerations, ThreadsOfAnEndedOneEndTogetherOnceNoneOfThemRuns) {
  make_wide(2, wire::Isolation::thread);
  up();
  ready(1, 0);
  ready(1, 1);
  lease(7);
  did();
  table->end_generation(0);
  EXPECT_EQ(did(), "");
  freed(1, 1);
  EXPECT_EQ(did(), "kill 1");
}

TEST_F(SlotTableGenerations, AnEndedOneIsForgottenWithItsLastProcess) {
  up();
  ready(1);
  did();
  table->end_generation(0);
  table->process_gone(now, 1);
  EXPECT_EQ(did(), "kill 1");
  EXPECT_FALSE(table->serves(0));
  EXPECT_EQ(table->free_slots(0), 0u);
  table->end_generation(0);
  EXPECT_EQ(did(), "") << "there is none";
  pass(1h);
  EXPECT_EQ(did(), "");
}

}  // namespace slot_table_generations_test
}  // namespace flame::runner
