// Lifetimes: which calls go to machines that end, and which to none.
#include "host/src/policy/lifetimes.hpp"

#include <gtest/gtest.h>

namespace flame::pool {
namespace lifetimes_test {

using namespace std::chrono_literals;

constexpr Instant kNow{1h};

TEST(Lifetimes, DrainAMachineForShutdownTimeoutBeforeItsEnd) {
  const Lifetimes lifetimes(1, 30s);
  EXPECT_EQ(lifetimes.drains_at(kNow + 10min), kNow + 10min - 30s);
  EXPECT_EQ(lifetimes.drains_at(kNever), kNever);
}

TEST(Lifetimes, LetACallGoWhereItEndsInTime) {
  Lifetimes lifetimes(1, 30s);
  lifetimes.booted(0, 10min);
  EXPECT_TRUE(lifetimes.may_take(kNow + 10min, kNow + 10min));
  EXPECT_FALSE(lifetimes.may_take(kNow + 10min, kNow + 10min + 1ns));
  EXPECT_TRUE(lifetimes.may_take(kNever, kNow + 24h));
}

TEST(Lifetimes, KeepCallsWithoutALimitFromMachinesThatEndWhereThereMayBeOthers) {
  Lifetimes lifetimes(2, 30s);
  lifetimes.booted(0, 10min);
  EXPECT_FALSE(lifetimes.may_take(kNow + 10min, kNever)) << "of the other it is not known";
  lifetimes.booted(1, kForever);
  EXPECT_FALSE(lifetimes.may_take(kNow + 10min, kNever));
  EXPECT_TRUE(lifetimes.may_take(kNever, kNever));
  lifetimes.booted(1, 1h);
  EXPECT_TRUE(lifetimes.may_take(kNow + 10min, kNever)) << "else it would never run";
}

TEST(Lifetimes, SayWhichBackendsSuitACall) {
  Lifetimes lifetimes(2, 30s);
  EXPECT_TRUE(lifetimes.suits(0, 2h)) << "it is not known";
  lifetimes.booted(0, 1h);
  EXPECT_TRUE(lifetimes.suits(0, 1h));
  EXPECT_FALSE(lifetimes.suits(0, 2h));
  EXPECT_FALSE(lifetimes.suits(0, kForever));
  EXPECT_TRUE(lifetimes.suits(1, kForever));
  lifetimes.booted(1, 3h);
  EXPECT_TRUE(lifetimes.suits(0, kForever)) << "the pool has no others";
}

TEST(Lifetimes, RefuseACallThatWouldOutliveEveryMachine) {
  Lifetimes lifetimes(2, 30s);
  EXPECT_FALSE(lifetimes.outlives_all(100h)) << "nothing is known yet";
  lifetimes.booted(0, 10min);
  EXPECT_FALSE(lifetimes.outlives_all(100h)) << "not of the second";
  lifetimes.booted(1, 1h);
  EXPECT_FALSE(lifetimes.outlives_all(1h));
  ASSERT_TRUE(lifetimes.outlives_all(1h + 1ms));
  EXPECT_EQ(lifetimes.outlives_all(2h)->code, ErrorCode::invalid_argument);
  EXPECT_EQ(lifetimes.outlives_all(2h)->message,
            "the call may take 7200.0 s, and every machine of its pool ends after 3600.0 s at the latest; give it a "
            "shorter timeout, or the pool a backend whose machines live longer");
  EXPECT_FALSE(lifetimes.outlives_all(kForever)) << "it takes what there is";
  lifetimes.booted(0, kForever);
  EXPECT_FALSE(lifetimes.outlives_all(2h));
}

}  // namespace lifetimes_test
}  // namespace flame::pool
