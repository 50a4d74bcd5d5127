// Lifetimes: which calls go to machines that end, and which to none.
#include "host/src/policy/lifetimes.hpp"

#include <gtest/gtest.h>

#include "host/src/policy/placement.hpp"
#include "plugin_sdk/base/make_error.hpp"

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
  EXPECT_EQ(Lifetimes::needs(kNow + 10min, true), kNow + 10min);
  EXPECT_EQ(Lifetimes::needs(kNow + 10min, false), kNow + 10min);
}

TEST(Lifetimes, KeepCallsWithoutALimitFromMachinesThatEndWhereOthersCome) {
  EXPECT_EQ(Lifetimes::needs(kNever, true), kNever);
  EXPECT_LE(Lifetimes::needs(kNever, false), kNow) << "any, else it would never run";
}

TEST(Lifetimes, KnowWhetherMachinesWithoutAnEndCome) {
  BackendRoom room;
  Placement placement({"slurm", "fly"}, 1, &room);
  Lifetimes lifetimes(2, 30s);
  lifetimes.booted(0, 10min);
  EXPECT_TRUE(lifetimes.endless_come(placement)) << "of the other it is not known";
  placement.failed(1, base::make_error(ErrorCode::boot_failed, "the token is invalid"), Remedy::permanent, {}, kNow);
  EXPECT_FALSE(lifetimes.endless_come(placement)) << "it gives none";
  lifetimes.asked(1);
  EXPECT_TRUE(lifetimes.endless_come(placement)) << "it is tried again";
  lifetimes.gone(1);
  EXPECT_FALSE(lifetimes.endless_come(placement));
  placement.succeeded(1);
  lifetimes.booted(1, kForever);
  EXPECT_TRUE(lifetimes.endless_come(placement));
  room.limit("fly", 0);
  EXPECT_FALSE(lifetimes.endless_come(placement)) << "it has no room, and this pool has nothing there";
  lifetimes.asked(1);
  EXPECT_TRUE(lifetimes.endless_come(placement)) << "one of those that are there";
  for (unsigned i = 0; i < Lifetimes::kInARow; ++i) {
    EXPECT_TRUE(lifetimes.endless_come(placement)) << "one that is evicted young says nothing of the next";
    lifetimes.booted(1, 1h);
  }
  EXPECT_FALSE(lifetimes.endless_come(placement));
}

TEST(Lifetimes, SayWhichBackendsSuitACall) {
  Lifetimes lifetimes(2, 30s);
  EXPECT_TRUE(lifetimes.suits(0, 2h, true)) << "it is not known";
  lifetimes.booted(0, 1h);
  EXPECT_TRUE(lifetimes.suits(0, 1h, true));
  EXPECT_FALSE(lifetimes.suits(0, 2h, true));
  EXPECT_FALSE(lifetimes.suits(0, kForever, true));
  EXPECT_TRUE(lifetimes.suits(1, kForever, true));
  EXPECT_TRUE(lifetimes.suits(0, kForever, false)) << "no others come";
}

TEST(Lifetimes, CompareCallsWithWhatIsLeftWhenARunnerHasDialledIn) {
  Lifetimes lifetimes(1, 30s);
  lifetimes.booted(0, 1h);
  EXPECT_FALSE(lifetimes.served(0, 2s));
  EXPECT_TRUE(lifetimes.suits(0, 1h - 2s, true));
  EXPECT_FALSE(lifetimes.suits(0, 1h - 1s, true));
  EXPECT_TRUE(lifetimes.outlives_all(1h - 1s));
  lifetimes.booted(0, 2h);
  EXPECT_TRUE(lifetimes.suits(0, 2h - 2s, true)) << "the walltime was changed";
  EXPECT_FALSE(lifetimes.suits(0, 2h, true));
  lifetimes.served(0, 1h);
  EXPECT_TRUE(lifetimes.suits(0, 2h - 2s, true)) << "one came late";
  lifetimes.booted(0, 1min);
  EXPECT_TRUE(lifetimes.suits(0, 2h - 2s, true)) << "one is evicted young";
  for (unsigned i = 1; i < Lifetimes::kInARow; ++i) lifetimes.booted(0, 1min);
  EXPECT_FALSE(lifetimes.suits(0, 1min, true)) << "the walltime was changed";
}

TEST(Lifetimes, TellOnceThatMoreCallsMayOutliveAllMachines) {
  Lifetimes lifetimes(1, 30s);
  EXPECT_FALSE(lifetimes.take_news());
  lifetimes.booted(0, kForever);
  EXPECT_FALSE(lifetimes.take_news());
  lifetimes.booted(0, 1h);
  EXPECT_TRUE(lifetimes.take_news());
  EXPECT_FALSE(lifetimes.take_news());
  lifetimes.served(0, 1s);
  EXPECT_TRUE(lifetimes.take_news());
}

TEST(Lifetimes, HaveNoUseOfMachinesThatLiveNoLongerThanShutdownTimeout) {
  Lifetimes lifetimes(1, 10min);
  EXPECT_FALSE(lifetimes.booted(0, 10min + 1ms));
  std::optional<Error> error;
  for (unsigned i = 0; i < Lifetimes::kInARow; ++i) {
    EXPECT_FALSE(lifetimes.is_useless(0));
    error = lifetimes.booted(0, 10min);
    ASSERT_TRUE(error);
  }
  EXPECT_EQ(error->message,
            "its machines end 600.0 s after they have come up, and shutdown_timeout is 600.0 s: no time is left for "
            "calls. Lower shutdown_timeout, or let the machines live longer");
  EXPECT_TRUE(lifetimes.is_useless(0));
  EXPECT_FALSE(lifetimes.suits(0, kForever, false));
  ASSERT_TRUE(lifetimes.outlives_all(kForever));
  EXPECT_EQ(lifetimes.outlives_all(kForever)->code, ErrorCode::boot_failed);
}

TEST(Lifetimes, HaveNoUseOfABackendWhoseFirstMachineLeavesNoTime) {
  Lifetimes lifetimes(1, 10min);
  EXPECT_TRUE(lifetimes.booted(0, 10min));
  EXPECT_TRUE(lifetimes.is_useless(0)) << "all that is known of it";
}

TEST(Lifetimes, HaveNoUseOfMachinesThatTakeTheirLifeToBootTimeAndAgain) {
  Lifetimes lifetimes(1, 10min);
  lifetimes.booted(0, 12min);
  EXPECT_TRUE(lifetimes.served(0, 3min));
  EXPECT_TRUE(lifetimes.served(0, 3min));
  EXPECT_FALSE(lifetimes.served(0, 1min)) << "its image is there by now";
  for (unsigned i = 0; i < Lifetimes::kInARow; ++i) {
    EXPECT_FALSE(lifetimes.is_useless(0));
    EXPECT_TRUE(lifetimes.served(0, 3min));
  }
  EXPECT_TRUE(lifetimes.is_useless(0));
}

TEST(Lifetimes, LetAHelloWaitUntilItIsKnownWhetherTheMachineEnds) {
  Lifetimes lifetimes(1, 30s, true);
  EXPECT_TRUE(lifetimes.awaits_end(0)) << "nothing is known";
  lifetimes.booted(0, 1h);
  EXPECT_TRUE(lifetimes.awaits_end(0));
  lifetimes.booted(0, kForever);
  EXPECT_FALSE(lifetimes.awaits_end(0));
  EXPECT_FALSE(Lifetimes(1, 30s).awaits_end(0)) << "nobody would tell";
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
