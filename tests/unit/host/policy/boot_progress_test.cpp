// BootProgress: two clocks, phases forward, and what an overdue boot says.
#include "host/src/policy/boot_progress.hpp"

#include <gtest/gtest.h>

#include "host/src/policy/paused_clock.hpp"
#include "plugin_sdk/base/limits.hpp"

namespace flame::pool {
namespace boot_progress_test {

using namespace std::chrono_literals;

constexpr Instant kStart{1h};
constexpr BootProgress::Limits kLimits{.queue = 10min, .boot = 30s};

TEST(BootProgress, ItsMachinesLogIsAskedForAMomentBeforeItsTimeIsOver) {
  BootProgress boot(kStart, {.queue = 10min, .boot = 30s});
  EXPECT_EQ(boot.log_at(), kStart + 30s - limits::kBootLogWait);
  boot.reached(BootPhase::queued, "", kStart + 1s);
  EXPECT_EQ(boot.log_at(), kNever) << "there is none";
  boot.reached(BootPhase::placed, "", kStart + 5s);
  EXPECT_EQ(boot.log_at(), kStart + 35s - limits::kBootLogWait);
  EXPECT_EQ(BootProgress(kStart, {.queue = 10min, .boot = 400ms}).log_at(), kStart + 300ms);
  EXPECT_EQ(BootProgress(kStart, {.queue = 10min, .boot = kForever}).log_at(), kNever);
}

TEST(BootProgress, OfABackendThatSaysNothingHasOneClock) {
  const BootProgress boot(kStart, kLimits);
  EXPECT_EQ(boot.by(), kStart + 30s);
  EXPECT_FALSE(boot.phase());
  EXPECT_EQ(boot.overdue(kStart + 30s),
            "the runner did not dial in within boot_timeout (30.0 s); look at its output, or raise boot_timeout");
}

TEST(BootProgress, WaitsInTheQueueFromItsRequestAndThenBootsFromItsPlace) {
  BootProgress boot(kStart, kLimits);
  EXPECT_TRUE(boot.reached(BootPhase::queued, "partition gpu: Priority", kStart + 2s));
  EXPECT_TRUE(boot.is_queued());
  EXPECT_EQ(boot.by(), kStart + 10min);
  EXPECT_EQ(boot.since(), kStart + 2s);
  EXPECT_EQ(boot.detail(), "partition gpu: Priority");
  EXPECT_TRUE(boot.reached(BootPhase::placed, "node7", kStart + 9min));
  EXPECT_FALSE(boot.is_queued());
  EXPECT_EQ(boot.by(), kStart + 9min + 30s);
  EXPECT_TRUE(boot.reached(BootPhase::pulling, "", kStart + 9min + 1s));
  EXPECT_EQ(boot.by(), kStart + 9min + 30s) << "all of it is one boot_timeout";
}

TEST(BootProgress, CountsFromItsRequestWhereItWasNeverQueued) {
  BootProgress boot(kStart, kLimits);
  EXPECT_TRUE(boot.reached(BootPhase::pulling, "", kStart + 20s));
  EXPECT_EQ(boot.by(), kStart + 30s) << "else each phase would begin it anew";
}

TEST(BootProgress, GoesForwardOnly) {
  BootProgress boot(kStart, kLimits);
  EXPECT_TRUE(boot.reached(BootPhase::starting, "", kStart));
  EXPECT_FALSE(boot.reached(BootPhase::queued, "", kStart + 1s));
  EXPECT_FALSE(boot.reached(BootPhase::placed, "", kStart + 1s));
  EXPECT_FALSE(boot.is_queued());
  EXPECT_EQ(boot.by(), kStart + 30s);
}

TEST(BootProgress, KeepsItsClockWhenAPhaseIsSaidAgain) {
  BootProgress boot(kStart, kLimits);
  EXPECT_TRUE(boot.reached(BootPhase::queued, "Priority", kStart + 1s));
  EXPECT_FALSE(boot.reached(BootPhase::queued, "Priority", kStart + 5s));
  EXPECT_TRUE(boot.reached(BootPhase::queued, "Resources", kStart + 9s));
  EXPECT_EQ(boot.since(), kStart + 1s);
  EXPECT_EQ(boot.by(), kStart + 10min);
}

TEST(BootProgress, SaysInWhichPhaseItWasForHowLong) {
  BootProgress boot(kStart, kLimits);
  boot.reached(BootPhase::queued, "Priority", kStart + 2s);
  EXPECT_EQ(boot.overdue(kStart + 10min),
            "its backend had no place for it within queue_timeout (600.0 s): it was queued for 598.0 s (Priority); "
            "raise queue_timeout, or name another backend");
  boot.reached(BootPhase::pulling, "", kStart + 10min);
  EXPECT_EQ(boot.overdue(kStart + 10min + 30s),
            "the runner did not dial in within boot_timeout (30.0 s): its machine was pulling for 30.0 s; look at its "
            "output, or raise boot_timeout");
}

TEST(BootProgress, MayWaitWithoutEnd) {
  BootProgress boot(kStart, {.queue = kForever, .boot = 30s});
  boot.reached(BootPhase::queued, "", kStart);
  EXPECT_EQ(boot.by(), kNever);
  boot.reached(BootPhase::started, "", kStart + 24h);
  EXPECT_EQ(boot.by(), kStart + 24h + 30s);
}

TEST(BootProgress, GetsWhatThisProcessStoodStill) {
  BootProgress boot(kStart, kLimits);
  boot.stood_still(5s);
  EXPECT_EQ(boot.by(), kStart + 35s);
}

TEST(BootProgress, CutsWhatComesFromOutside) {
  BootProgress boot(kStart, kLimits);
  boot.reached(BootPhase::queued, std::string(1 << 20, 'x'), kStart);
  EXPECT_LE(boot.detail().size(), 1024U);
}

TEST(PausedClock, StandsWhileAnybodyHoldsIt) {
  PausedClock clock;
  EXPECT_EQ(clock.read(kStart), kStart);
  EXPECT_EQ(clock.when(kStart + 30s), kStart + 30s);
  clock.hold(kStart + 10s);
  clock.hold(kStart + 12s);
  clock.let_go(kStart + 20s);
  EXPECT_TRUE(clock.stands());
  EXPECT_EQ(clock.read(kStart + 1min), kStart + 10s);
  EXPECT_EQ(clock.when(kStart + 30s), kNever);
  clock.let_go(kStart + 1min);
  EXPECT_EQ(clock.read(kStart + 2min), kStart + 70s);
  EXPECT_EQ(clock.when(kStart + 30s), kStart + 80s);
  EXPECT_EQ(clock.when(kNever), kNever);
}

}  // namespace boot_progress_test
}  // namespace flame::pool
