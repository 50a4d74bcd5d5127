// Occupancy: which invocation is in which slot.
#include "runner/policy/occupancy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace flame::runner {
namespace occupancy_test {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr SlotRef kSlot{1, 0};
constexpr SlotRef kOther{1, 1};

class OccupancyTest : public testing::Test {
 protected:
  OccupancyTest() {
    occupancy_.enter(kSlot, 7);
    for (const std::uint64_t id : {8U, 9U}) occupancy_.queue(kSlot, id);
  }
  Occupancy occupancy_;
};

TEST_F(OccupancyTest, AnInvocationIsWhereItRunsUntilItHasEnded) {
  EXPECT_EQ(occupancy_.find(7), kSlot);
  EXPECT_EQ(occupancy_.at(kSlot).invocation, 7u);
  EXPECT_TRUE(occupancy_.at(kOther).empty());
  EXPECT_EQ(occupancy_.leave(kOther), 0u);
  EXPECT_EQ(occupancy_.leave(kSlot), 7u);
  EXPECT_EQ(occupancy_.find(7), std::nullopt);
}

TEST_F(OccupancyTest, ASlotGoesOnWithWhatIsBehindInOrder) {
  EXPECT_TRUE(occupancy_.is_behind(8));
  EXPECT_EQ(occupancy_.find(8), kSlot);
  EXPECT_EQ(occupancy_.leave(kSlot), 7u);
  EXPECT_EQ(occupancy_.pass_on(kSlot), 8u);
  EXPECT_FALSE(occupancy_.is_behind(8)) << "it runs";
  EXPECT_THAT(occupancy_.all(), UnorderedElementsAre(8, 9));
  EXPECT_EQ(occupancy_.pass_on(kOther), 0u);
  EXPECT_EQ(occupancy_.leave(kSlot), 8u);
  EXPECT_EQ(occupancy_.pass_on(kSlot), 9u);
  EXPECT_EQ(occupancy_.leave(kSlot), 9u);
  EXPECT_EQ(occupancy_.pass_on(kSlot), 0u);
  EXPECT_THAT(occupancy_.all(), IsEmpty());
}

TEST_F(OccupancyTest, WhatIsTakenBackIsNowhere) {
  occupancy_.revoke(kSlot, {8});
  EXPECT_EQ(occupancy_.find(8), std::nullopt);
  occupancy_.revoke(kOther, {9});
  EXPECT_TRUE(occupancy_.is_behind(9)) << "of another slot";
  occupancy_.revoke(kSlot, {7});
  EXPECT_EQ(occupancy_.find(7), kSlot) << "what runs has begun";
}

TEST_F(OccupancyTest, ASlotThatIsGoneLeavesAllThatWasBehind) {
  EXPECT_THAT(occupancy_.take_behind(kSlot), ElementsAre(8, 9));
  EXPECT_THAT(occupancy_.all(), ElementsAre(7));
  EXPECT_THAT(occupancy_.take_behind(kSlot), IsEmpty());
}

TEST_F(OccupancyTest, ALeaseStaysInItsSlotWhileOthersRunThere) {
  ASSERT_THAT(occupancy_.take_behind(kSlot), ElementsAre(8, 9));
  occupancy_.hold(kSlot);
  EXPECT_EQ(occupancy_.leave(kSlot), 7u);
  EXPECT_EQ(occupancy_.find(7), kSlot) << "its objects are there";
  EXPECT_FALSE(occupancy_.is_behind(7));
  occupancy_.enter(kSlot, 8);
  EXPECT_EQ(occupancy_.at(kSlot).lease, 7u);
  EXPECT_EQ(occupancy_.let_go(kSlot), 7u);
  EXPECT_THAT(occupancy_.all(), ElementsAre(8));
  EXPECT_EQ(occupancy_.leave(kSlot), 8u);
  EXPECT_EQ(occupancy_.let_go(kSlot), 0u);
}

TEST_F(OccupancyTest, AnInvocationWhoseOwnObjectsAreGoneRunsOn) {
  occupancy_.hold(kSlot);
  EXPECT_EQ(occupancy_.let_go(kSlot), 7u);
  EXPECT_EQ(occupancy_.find(7), kSlot);
}

}  // namespace occupancy_test
}  // namespace flame::runner
