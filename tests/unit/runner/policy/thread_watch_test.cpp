// Threads that sleep between calls, and threads that compute.
#include "runner/policy/thread_watch.hpp"

#include <gtest/gtest.h>

namespace flame::runner {
namespace thread_watch_test {

using namespace std::chrono_literals;
using Verdict = ThreadWatch::Verdict;

class Watch : public testing::Test {
 protected:
  /// Idle for `time`, with so much of it on a processor.
  Verdict idle_for(Duration time, double share) {
    Verdict verdict = Verdict::open;
    for (Duration passed{}; passed < time && verdict == Verdict::open; passed += ThreadWatch::kWindow) {
      now_ += ThreadWatch::kWindow;
      cpu_ += std::chrono::duration_cast<Duration>(ThreadWatch::kWindow * share);
      verdict = watch_.sample(now_, {.cpu = cpu_, .runnable = runnable_});
    }
    return verdict;
  }
  void begin(std::uint32_t threads = 4) {
    watch_.idle(now_, threads);
    ASSERT_TRUE(watch_.due(now_));
    watch_.begin(now_, cpu_);
  }

  Instant now_{1000s};
  Duration cpu_{5s};
  bool runnable_ = false;
  ThreadWatch watch_;
};

TEST_F(Watch, ASlotWithoutThreadsIsNeverLookedAt) {
  watch_.idle(now_, 0);
  EXPECT_FALSE(watch_.due(now_));
  EXPECT_EQ(watch_.wake_at(), kNever);
}

TEST_F(Watch, ThreadsThatSleepAreQuietAfterOneWindow) {
  begin();
  EXPECT_EQ(watch_.sample(now_ + 1ms, {.cpu = cpu_}), Verdict::open) << "too early to say";
  EXPECT_EQ(idle_for(ThreadWatch::kWindow, 0.01), Verdict::quiet);
  EXPECT_FALSE(watch_.due(now_));
}

TEST_F(Watch, WorkersThatTurnForAMomentAreQuietInTheEnd) {
  begin();
  EXPECT_EQ(idle_for(500ms, 1), Verdict::open);
  EXPECT_EQ(idle_for(ThreadWatch::kWindow, 0), Verdict::quiet);
}

TEST_F(Watch, WhatDoesNotEndComputes) {
  begin();
  EXPECT_EQ(idle_for(ThreadWatch::kPatience - ThreadWatch::kWindow, 1), Verdict::open);
  EXPECT_EQ(idle_for(ThreadWatch::kWindow, 1), Verdict::computing);
}

TEST_F(Watch, WhatGetsAThirdOfABusyProcessorComputes) {
  begin();
  EXPECT_EQ(idle_for(2 * ThreadWatch::kPatience, 0.3), Verdict::computing);
}

TEST_F(Watch, ACallInterruptsTheLookAndItBeginsAnew) {
  begin();
  EXPECT_EQ(idle_for(ThreadWatch::kPatience - ThreadWatch::kWindow, 1), Verdict::open);
  watch_.interrupt(now_);
  EXPECT_FALSE(watch_.looking());
  begin();
  EXPECT_EQ(idle_for(ThreadWatch::kWindow, 1), Verdict::open);
}

TEST_F(Watch, WhatAFullProcessorLeavesNoTimeComputesAllTheSame) {
  begin();
  runnable_ = true;
  EXPECT_EQ(idle_for(2 * ThreadWatch::kPatience, 0), Verdict::computing);
}

TEST_F(Watch, AThreadThatSleepsAgainIsQuiet) {
  begin();
  runnable_ = true;
  EXPECT_EQ(idle_for(ThreadWatch::kPatience / 2, 0), Verdict::open);
  runnable_ = false;
  EXPECT_EQ(idle_for(ThreadWatch::kWindow, 0), Verdict::quiet);
}

TEST_F(Watch, WhatHappenedWhileNobodyLookedSaysNothing) {
  begin();
  now_ += ThreadWatch::kPatience;
  cpu_ += ThreadWatch::kPatience;
  EXPECT_EQ(watch_.sample(now_, {.cpu = cpu_, .runnable = true}), Verdict::open);
  EXPECT_EQ(idle_for(ThreadWatch::kPatience - ThreadWatch::kWindow, 1), Verdict::open);
  EXPECT_EQ(idle_for(ThreadWatch::kWindow, 1), Verdict::computing);
}

TEST_F(Watch, InsistsOnALookThatCallsHaveInterruptedOrPutOffTooOften) {
  begin();
  watch_.interrupt(now_);
  for (int i = 1; i < ThreadWatch::kInterruptionsMax; ++i) {
    EXPECT_FALSE(watch_.insists());
    watch_.idle(now_, 4);
    watch_.interrupt(now_);  // it had not begun
  }
  EXPECT_TRUE(watch_.insists());
  begin();
  ASSERT_EQ(idle_for(ThreadWatch::kWindow, 0), Verdict::quiet);
  EXPECT_FALSE(watch_.insists());
  watch_.interrupt(now_);
  EXPECT_FALSE(watch_.due(now_)) << "the next look comes later, and this call does not put it off";
}

TEST_F(Watch, LaterLooksAreFurtherAndFurtherApart) {
  Duration last{};
  for (int i = 0; i < 10; ++i) {
    begin();
    ASSERT_EQ(idle_for(ThreadWatch::kWindow, 0), Verdict::quiet);
    const Duration pause = watch_.wake_at() - now_;
    EXPECT_GE(pause, ThreadWatch::kFirstPause);
    EXPECT_LE(pause, ThreadWatch::kLongestPause);
    EXPECT_GE(pause, last);
    last = pause;
    now_ = watch_.wake_at();
  }
  EXPECT_EQ(last, ThreadWatch::kLongestPause);
}

TEST_F(Watch, NewThreadsAreLookedAtAtOnce) {
  begin(4);
  ASSERT_EQ(idle_for(ThreadWatch::kWindow, 0), Verdict::quiet);
  watch_.idle(now_, 4);
  EXPECT_FALSE(watch_.due(now_));
  watch_.idle(now_, 5);
  EXPECT_TRUE(watch_.due(now_));
}

}  // namespace thread_watch_test
}  // namespace flame::runner
