// ForkWatch: whose zygote is taken for dead.
#include "runner/policy/fork_watch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

namespace flame::runner {
namespace fork_watch_test {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr GenerationId kGeneration = 3;

class ForkWatchTest : public testing::Test {
 protected:
  ForkWatch watch{10s};
  Instant now{1000s};
};

TEST_F(ForkWatchTest, AZygoteThatOwesNoAnswerMayBeSilentForEver) {
  EXPECT_EQ(watch.wake_at(), kNever);
  watch.asked(now, kGeneration);
  watch.answered(now, kGeneration);
  EXPECT_THAT(watch.take_silent(now + 1h), IsEmpty());
  EXPECT_EQ(watch.silence(now + 1h, kGeneration), Duration::zero());
}

TEST_F(ForkWatchTest, OneThatDoesNotAnswerIsToldOnce) {
  watch.asked(now, kGeneration);
  EXPECT_EQ(watch.wake_at(), now + 10s);
  EXPECT_EQ(watch.silence(now + 4s, kGeneration), 4s);
  EXPECT_THAT(watch.take_silent(now + 10s - 1ns), IsEmpty());
  EXPECT_THAT(watch.take_silent(now + 10s), ElementsAre(kGeneration));
  EXPECT_THAT(watch.take_silent(now + 20s), IsEmpty());
  EXPECT_EQ(watch.wake_at(), kNever);
}

TEST_F(ForkWatchTest, ALongRowOfSlowForksIsNoSilence) {
  for (int i = 0; i < 5; ++i) watch.asked(now, kGeneration);
  for (int i = 0; i < 4; ++i) {
    now += 9s;
    EXPECT_THAT(watch.take_silent(now), IsEmpty());
    watch.answered(now, kGeneration);
  }
  EXPECT_THAT(watch.take_silent(now + 10s), ElementsAre(kGeneration));
}

TEST_F(ForkWatchTest, APauseOfTheRunnerIsNoSilence) {
  watch.asked(now, kGeneration);
  watch.stood_still(now + 60s, 57s);
  EXPECT_EQ(watch.silence(now + 60s, kGeneration), 3s);
  EXPECT_THAT(watch.take_silent(now + 67s - 1ns), IsEmpty());
  EXPECT_THAT(watch.take_silent(now + 67s), ElementsAre(kGeneration));
}

TEST_F(ForkWatchTest, ARequestAfterThePauseGetsNoTimeForIt) {
  watch.asked(now, kGeneration);
  watch.stood_still(now + 1s, 1h);
  EXPECT_EQ(watch.wake_at(), now + 11s);
}

TEST_F(ForkWatchTest, TheRequestsOfAZygoteThatIsGoneAreForgotten) {
  watch.asked(now, kGeneration);
  watch.forget(kGeneration);
  EXPECT_THAT(watch.take_silent(now + 1h), IsEmpty());
  watch.asked(now + 1h, kGeneration);
  EXPECT_THAT(watch.take_silent(now + 1h + 10s), ElementsAre(kGeneration)) << "the next one is watched again";
}

}  // namespace fork_watch_test
}  // namespace flame::runner
