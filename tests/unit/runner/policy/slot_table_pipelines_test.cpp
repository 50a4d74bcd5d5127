// SlotTable: brief invocations, one behind the other.
#include "runner/protocol/protocol.hpp"
#include "tests/unit/runner/policy/slot_table_fixture.hpp"

namespace flame::runner {
namespace slot_table_pipelines_test {

class Pipelines : public SlotTableTest {
 protected:
  /// Two pipelines, and as many ready slots as there may be.
  void SetUp() override { make_with(welcome(4), 2); }
  void make_with(const wire::Welcome& message, std::uint32_t pipelines) {
    make(message, pipelines);
    up();
    for (std::uint64_t id = 1; id <= message.slots; ++id) lease(id);
    for (ProcessId process = 1; process <= message.slots + 1; ++process) ready(process);
    for (ProcessId process = 1; process <= message.slots; ++process) freed(process);
    static_cast<void>(did());
  }
  /// Two pipelines and a free slot; its spare, if there are spares, is being made.
  void make_with_one_slot(const wire::Welcome& message) {
    make(message, 2);
    up();
    lease(10);
    ready(1);
    freed(1);
    static_cast<void>(did());
  }
  void lease_brief(std::uint64_t id) { table->lease(now, 0, id, true); }
};

TEST_F(Pipelines, TheFirstOnesGetSlotsAndTheNextOnesFollowTheShortestLane) {
  for (const std::uint64_t id : {11U, 12U, 13U, 14U, 15U}) lease_brief(id);
  EXPECT_EQ(did(), "grant 11 4.0, grant 12 3.0, queue 13 4.0, queue 14 3.0, queue 15 4.0");
}

TEST_F(Pipelines, AnInvocationThatIsNotBriefGetsASlotOfItsOwn) {
  for (const std::uint64_t id : {11U, 12U}) lease_brief(id);
  lease(13);
  EXPECT_EQ(did(), "grant 11 4.0, grant 12 3.0, grant 13 2.0");
}

TEST_F(Pipelines, ASlotGoesOnWithWhatFollowsAndIsFreeAfterTheLast) {
  for (const std::uint64_t id : {11U, 12U, 13U}) lease_brief(id);
  static_cast<void>(did());
  table->slot_passed({4, 0});
  EXPECT_EQ(table->free_slots(0), 3U);
  freed(4);
  EXPECT_EQ(table->free_slots(0), 4U);
  lease_brief(14);
  EXPECT_EQ(did(), "grant 14 4.0") << "a pipeline that is empty is none";
}

TEST_F(Pipelines, ALaneHasAnEndBehindWhichInvocationsGetSlotsOfTheirOwn) {
  const std::uint64_t room = 2 * slot::kPipelinedMax;
  for (std::uint64_t id = 0; id < 2 + room; ++id) lease_brief(100 + id);
  static_cast<void>(did());
  lease_brief(900);
  EXPECT_EQ(did(), "grant 900 2.0");
}

// A new version of a plugin begins with few slots and many callers.
TEST_F(Pipelines, NoSlotIsMadeForAnInvocationThatABriefOneWillHaveMadeRoomForBefore) {
  make_with_one_slot(welcome(8));
  lease_brief(11);
  EXPECT_EQ(did(), "grant 11 1.0") << "a spare is being made";
  for (const std::uint64_t id : {12U, 13U, 14U}) lease_brief(id);
  EXPECT_EQ(did(), "queue 12 1.0, queue 13 1.0, queue 14 1.0");
  ready(2);
  lease_brief(15);
  EXPECT_EQ(did(), "grant 15 2.0, fork 3");
}

TEST_F(Pipelines, AnInvocationThatWaitsIsOvertakenOnlyWhileASlotIsBeingMadeForIt) {
  wire::Welcome message = welcome(2);
  message.spare_slots = 0;
  make_with_one_slot(message);
  lease_brief(11);
  lease(12);
  EXPECT_EQ(did(), "grant 11 1.0, fork 2");
  lease_brief(13);
  EXPECT_EQ(did(), "queue 13 1.0");
  lease(14);
  lease_brief(15);
  EXPECT_EQ(did(), "") << "no slot is made for 14, so 15 may not keep it waiting for longer";
}

TEST_F(Pipelines, WhatIsTakenBackIsServedBeforeTheOthersAndTheLaneIsClosed) {
  for (const std::uint64_t id : {11U, 12U, 13U, 14U, 15U}) lease_brief(id);
  lease(16);
  static_cast<void>(did());
  table->revoked({4, 0}, {13, 15});
  lease(17);
  EXPECT_EQ(did(), "grant 17 1.0") << "what was revoked waits for tick()";
  table->tick(now);
  EXPECT_EQ(did(), "grant 13 5.0");
  freed(1);
  EXPECT_EQ(did(), "grant 15 1.0");
  lease_brief(18);
  EXPECT_EQ(did(), "") << "one pipeline is left, and a second slot would be faster than waiting there";
}

TEST_F(Pipelines, WhatIsTakenBackAsksForAnEarlyTick) {
  for (const std::uint64_t id : {11U, 12U, 13U}) lease_brief(id);
  EXPECT_GT(table->wake_at(), now);
  table->revoked({4, 0}, {13});
  EXPECT_LE(table->wake_at(), now);
  table->tick(now);
  EXPECT_GT(table->wake_at(), now);
}

TEST_F(Pipelines, AGrantOfAProcessThatIsGoneBeforeItIsCarriedOutGoesToAnother) {
  lease(11);
  table->process_gone(now, 4);
  EXPECT_EQ(did().find("grant"), std::string::npos);
  table->tick(now);
  EXPECT_EQ(did(), "grant 11 3.0");
}

TEST_F(Pipelines, WhatIsTakenBackCanBeWithdrawn) {
  for (const std::uint64_t id : {11U, 12U, 13U}) lease_brief(id);
  static_cast<void>(did());
  table->revoked({4, 0}, {13});
  EXPECT_TRUE(table->withdraw(13));
  EXPECT_FALSE(table->withdraw(13));
  table->tick(now);
  EXPECT_EQ(did(), "");
}

TEST_F(Pipelines, WhatWasTakenBackFromADeadProcessIsServedByAnother) {
  for (const std::uint64_t id : {11U, 12U, 13U}) lease_brief(id);
  static_cast<void>(did());
  table->revoked({4, 0}, {13});
  table->process_gone(now, 4);
  table->tick(now);
  EXPECT_EQ(did(), "grant 13 2.0");
}

TEST_F(Pipelines, AGenerationThatFailsFailsWhatWasTakenBackToo) {
  for (const std::uint64_t id : {11U, 12U, 13U}) lease_brief(id);
  table->revoked({4, 0}, {13});
  EXPECT_EQ(table->take_waiting(0), std::vector<std::uint64_t>{13});
}

TEST_F(Pipelines, SlotsThatServeOncePipelineNothing) {
  auto once = welcome(4);
  once.reuse = false;
  make(once, 2);
  up();
  for (const std::uint64_t id : {1U, 2U, 3U, 4U}) lease_brief(id);
  for (ProcessId process = 1; process <= 5; ++process) ready(process);
  EXPECT_EQ(did().find("queue"), std::string::npos);
}

}  // namespace slot_table_pipelines_test
}  // namespace flame::runner
