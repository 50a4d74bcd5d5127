// What is said about a slot that is discarded.
#include "runner/policy/discards.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace flame::runner {
namespace discards_test {

using testing::HasSubstr;

TEST(DiscardsTest, EachReasonIsToldOnceForEachTask) {
  Discards discards;
  const SlotDiscard child{1, "video::resize", DiscardReason::child_process, "the task left a child process running"};
  const auto line = discards.tell(child);
  ASSERT_TRUE(line.has_value());
  EXPECT_THAT(*line, HasSubstr("the slot is discarded after this call: the task left a child process running."));
  EXPECT_THAT(*line, HasSubstr("start helpers in start_slot()"));
  EXPECT_THAT(*line, HasSubstr("video::resize"));
  EXPECT_THAT(*line, HasSubstr("child_process"));
  EXPECT_FALSE(discards.tell({2, "video::resize", DiscardReason::child_process, "again"}).has_value());
  EXPECT_TRUE(discards.tell({3, "video::resize", DiscardReason::memory, "another reason"}).has_value());
  EXPECT_TRUE(discards.tell({4, "video::record", DiscardReason::child_process, "another task"}).has_value());
}

TEST(DiscardsTest, EachReasonThatAUserCanMendHasARemedy) {
  for (std::size_t i = 2; i < kDiscardReasonNames.size(); ++i) {
    const auto reason = static_cast<DiscardReason>(i);
    EXPECT_EQ(remedy_for(reason).empty(), reason == DiscardReason::calls_max) << to_string(reason);
  }
}

TEST(DiscardsTest, ANumberOfANewerPeerIsAnotherReason) {
  EXPECT_EQ(discard_reason_from(static_cast<std::uint64_t>(DiscardReason::timer)), DiscardReason::timer);
  EXPECT_EQ(discard_reason_from(kDiscardReasonNames.size()), DiscardReason::other);
  EXPECT_EQ(discard_reason_from(255), DiscardReason::other);
}

}  // namespace discards_test
}  // namespace flame::runner
