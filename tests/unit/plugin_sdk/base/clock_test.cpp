// Deadline arithmetic at its edges.
#include "plugin_sdk/base/clock.hpp"

#include <gtest/gtest.h>

#include "plugin_sdk/base/boot_time.hpp"

namespace flame::base {
namespace {

using namespace std::chrono_literals;

constexpr Instant kNow{1000s};

TEST(Clock, ADeadlineIsNowPlusTheWait) {
  EXPECT_EQ(deadline_after(kNow, 5s), Instant(1005s));
}

TEST(Clock, AnInfiniteOrOverflowingWaitNeverEnds) {
  EXPECT_EQ(deadline_after(kNow, kInfinite), kNever);
  EXPECT_EQ(deadline_after(kNow, kInfinite - 1ns), kNever);
}

TEST(Clock, ANegativeWaitIsOverAtOnce) {
  EXPECT_EQ(deadline_after(kNow, -5s), kNow);
}

TEST(Clock, WhatRemainsIsNeverNegative) {
  EXPECT_EQ(remaining(Instant(1003s), kNow), 3s);
  EXPECT_EQ(remaining(Instant(999s), kNow), 0s);
  EXPECT_EQ(remaining(kNever, kNow), kInfinite);
}

TEST(Clock, TheWireSaysMinusOneForInfinite) {
  EXPECT_EQ(to_wire(kInfinite), -1);
  EXPECT_EQ(from_wire(-1), kInfinite);
  EXPECT_EQ(from_wire(to_wire(7ms)), 7ms);
  EXPECT_EQ(from_wire(-5), 0ns);
}

TEST(Clock, TheRealClockGoesForward) {
  const Instant before = boot_time();
  EXPECT_GT(before.time_since_epoch(), 0ns);
  EXPECT_GE(boot_time(), before);
}

}  // namespace
}  // namespace flame::base
