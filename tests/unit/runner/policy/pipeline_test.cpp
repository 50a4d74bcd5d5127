// Pipeline: who is behind whom.
#include "runner/policy/pipeline.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace flame::runner {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr SlotRef kSlot{1, 0};
constexpr SlotRef kOther{1, 1};

class PipelineTest : public testing::Test {
 protected:
  PipelineTest() {
    for (const std::uint64_t id : {8, 9}) pipeline_.add(now_, kSlot, 7, id);
  }
  std::vector<std::uint64_t> slow() {
    std::vector<std::uint64_t> running;
    for (const Pipeline::Slow& one : pipeline_.take_slow(now_)) running.push_back(one.running);
    return running;
  }

  Instant now_{1000s};
  Pipeline pipeline_;
};

TEST_F(PipelineTest, ASlotGoesOnWithWhatIsBehindInOrder) {
  EXPECT_EQ(pipeline_.slot_of(8), kSlot);
  EXPECT_EQ(pipeline_.pass_on(now_, kSlot), 8u);
  EXPECT_EQ(pipeline_.slot_of(8), std::nullopt) << "it runs";
  EXPECT_EQ(pipeline_.pass_on(now_, kOther), std::nullopt);
  EXPECT_EQ(pipeline_.pass_on(now_, kSlot), 9u);
  EXPECT_TRUE(pipeline_.empty(kSlot));
  EXPECT_EQ(pipeline_.pass_on(now_, kSlot), std::nullopt);
}

TEST_F(PipelineTest, WhoeverKeepsOthersWaitingHasAMoment) {
  EXPECT_EQ(pipeline_.wake_at(), now_ + Pipeline::kPatience);
  now_ += 1ms;
  EXPECT_EQ(pipeline_.pass_on(now_, kSlot), 8u);
  now_ += Pipeline::kPatience - 1ms;
  EXPECT_THAT(slow(), ElementsAre(7)) << "its owner looks whether that is still there";
  now_ += 1ms;
  EXPECT_THAT(slow(), ElementsAre(8));
  EXPECT_EQ(pipeline_.pass_on(now_, kSlot), 9u);
  EXPECT_EQ(pipeline_.wake_at(), kNever) << "nothing waits for 9";
}

TEST_F(PipelineTest, WhatIsTakenBackIsBehindNothing) {
  pipeline_.remove(kSlot, {8});
  EXPECT_EQ(pipeline_.slot_of(8), std::nullopt);
  EXPECT_THAT(pipeline_.all(), ElementsAre(9));
  pipeline_.remove(kOther, {9});
  EXPECT_EQ(pipeline_.pass_on(now_, kSlot), 9u);
}

TEST_F(PipelineTest, ASlotThatIsGoneLeavesAllThatWasBehind) {
  EXPECT_THAT(pipeline_.take_all(kSlot), ElementsAre(8, 9));
  EXPECT_THAT(pipeline_.all(), IsEmpty());
  EXPECT_THAT(pipeline_.take_all(kSlot), IsEmpty());
}

}  // namespace
}  // namespace flame::runner
