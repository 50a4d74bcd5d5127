// Destroys: nobody's end is given up, and none is asked for without a pause.
#include "host/src/policy/destroys.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "plugin_sdk/base/limits.hpp"

namespace flame::pool {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

class DestroysTest : public testing::Test {
 protected:
  static Instant at(Duration time) { return Instant{} + time; }
  Destroys destroys_{1};
};

TEST_F(DestroysTest, AskAgainWhatCouldNotBeEndedLaterAfterEachFailure) {
  destroys_.asked("m");
  EXPECT_THAT(destroys_.due(at(0s)), IsEmpty());
  Instant now = at(0s);
  for (const Duration least : {1s, 2s, 4s, 8s, 16s, 30s, 30s}) {
    destroys_.failed("m");
    EXPECT_THAT(destroys_.due(now), IsEmpty()) << "at once it would fail again";
    const Instant next = destroys_.next_wakeup();
    EXPECT_GE(next - now, least);
    EXPECT_LE(next - now, least * 5 / 4);
    EXPECT_THAT(destroys_.due(next - 1ns), IsEmpty());
    EXPECT_THAT(destroys_.due(next), ElementsAre("m"));
    destroys_.asked("m");
    now = next;
  }
}

TEST_F(DestroysTest, AskAgainWhatIsNotAnsweredInTime) {
  destroys_.asked("m");
  EXPECT_THAT(destroys_.due(at(1s)), IsEmpty());
  EXPECT_EQ(destroys_.next_wakeup(), at(1s) + limits::kDestroyAnswerMax);
  EXPECT_THAT(destroys_.due(at(1s) + limits::kDestroyAnswerMax - 1ns), IsEmpty());
  EXPECT_THAT(destroys_.due(at(1s) + limits::kDestroyAnswerMax), ElementsAre("m"));
}

TEST_F(DestroysTest, AskNothingOfWhatIsGoneOrForgottenOrUnknown) {
  for (const char* name : {"gone", "forgotten"}) {
    destroys_.asked(name);
    destroys_.failed(name);
  }
  destroys_.failed("unknown");
  destroys_.gone("gone");
  destroys_.forget("forgotten");
  destroys_.forget("unknown");
  EXPECT_THAT(destroys_.due(at(0s)), IsEmpty());
  EXPECT_EQ(destroys_.next_wakeup(), kNever);
  EXPECT_THAT(destroys_.due(at(24h)), IsEmpty());
  EXPECT_EQ(destroys_.size(), 1U);
}

TEST_F(DestroysTest, OfTooManyTheOldestThatIsNotKnownToBeLeftIsForgotten) {
  for (std::size_t i = 0; i < limits::kDestroysKept; ++i) {
    destroys_.asked("m" + std::to_string(i));
    EXPECT_EQ(destroys_.surplus(), std::nullopt);
  }
  destroys_.failed("m0");
  destroys_.asked("new");
  EXPECT_EQ(destroys_.surplus(), "m1") << "m0 costs money";
  for (std::size_t i = 0; i < limits::kDestroysKept; ++i) destroys_.failed("m" + std::to_string(i));
  EXPECT_EQ(destroys_.surplus(), "m0") << "if all are left; never the one that was just asked for";
}

}  // namespace
}  // namespace flame::pool
