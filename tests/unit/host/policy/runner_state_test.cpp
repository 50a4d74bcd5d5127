// RunnerState: phases and timers of one runner.
#include "host/src/policy/runner_state.hpp"

#include <gtest/gtest.h>

namespace flame::pool {
namespace runner_state_test {

using namespace std::chrono_literals;
using Phase = RunnerState::Phase;
using Due = RunnerState::Due;

constexpr Instant kStart{};

RunnerState ready() {
  RunnerState runner(kStart, {.boot = 30s}, false);
  runner.hello(kStart);
  return runner;
}

TEST(RunnerState, MustSayHelloWithinTheBootTimeout) {
  RunnerState runner(kStart, {.boot = 30s}, false);
  EXPECT_EQ(runner.phase(), Phase::booting);
  EXPECT_EQ(runner.deadline(), kStart + 30s);
  EXPECT_EQ(runner.due(kStart + 30s - 1ns), Due::nothing);
  EXPECT_EQ(runner.due(kStart + 30s), Due::boot_overdue);
}

TEST(RunnerState, DrainsBeforeItsMachineEnds) {
  RunnerState runner = ready();
  runner.ends(kStart + 10s, kStart + 8s);
  EXPECT_EQ(runner.deadline(), kStart + 8s);
  EXPECT_EQ(runner.due(kStart + 8s - 1ns), Due::nothing);
  EXPECT_EQ(runner.due(kStart + 8s), Due::ending);
  runner.ends(kStart + 12s, kStart + 10s);
  EXPECT_EQ(runner.due(kStart + 8s), Due::nothing) << "it was revised";
  runner.drain(kStart + 10s, 2s);
  EXPECT_EQ(runner.due(kStart + 11s), Due::nothing) << "once";
  EXPECT_EQ(runner.due(kStart + 12s), Due::drain_overdue);
}

TEST(RunnerState, AcceptsOneHello) {
  RunnerState runner = ready();
  EXPECT_EQ(runner.phase(), Phase::ready);
  EXPECT_FALSE(runner.hello(kStart + 1s));
}

TEST(RunnerState, IsSilentFifteenSecondsAfterTheLastWord) {
  RunnerState runner = ready();
  runner.heard(kStart + 10s);
  EXPECT_EQ(runner.due(kStart + 15s), Due::nothing);
  EXPECT_EQ(runner.due(kStart + 25s - 1ns), Due::nothing);
  EXPECT_EQ(runner.due(kStart + 25s), Due::silent);
}

TEST(RunnerState, IsSilentAfterWhatItsHostSays) {
  RunnerState runner(kStart, {.boot = 30s}, false, {.runner_silence = 200ms});
  runner.hello(kStart);
  EXPECT_EQ(runner.silent_at(), kStart + 200ms);
  EXPECT_EQ(runner.due(kStart + 200ms), Due::silent);
}

TEST(RunnerState, OverIpcSilenceIsNoLossAndEndsWithTheNextWord) {
  RunnerState runner(kStart, {.boot = 30s}, false);
  runner.hello(kStart, true);
  EXPECT_EQ(runner.due(kStart + 15s), Due::quiet);
  runner.fall_quiet();
  EXPECT_TRUE(runner.is_quiet());
  EXPECT_EQ(runner.due(kStart + 24h), Due::nothing);
  EXPECT_EQ(runner.deadline(), kNever);
  EXPECT_TRUE(runner.heard(kStart + 25h));
  EXPECT_FALSE(runner.heard(kStart + 25h));
  EXPECT_EQ(runner.due(kStart + 25h + 15s), Due::quiet);
}

TEST(RunnerState, NeedsNoTimerForASilenceWithoutLimit) {
  RunnerState runner(kStart, {.boot = 30s}, false, {.runner_silence = kForever});
  runner.hello(kStart, true);
  EXPECT_EQ(runner.deadline(), kNever);
  EXPECT_EQ(runner.due(kStart + 24h), Due::nothing);
}

TEST(RunnerState, IsNotJudgedByAPauseOfItsHost) {
  RunnerState runner = ready();
  runner.exited(kStart + 1s);
  runner.stood_still(kStart + 18s, 17s);
  EXPECT_EQ(runner.due(kStart + 18s), Due::nothing);
  EXPECT_EQ(runner.due(kStart + 18s + RunnerState::kExitGrace), Due::exited) << "its last words may be in the socket";
  RunnerState booting(kStart, {.boot = 30s}, false);
  booting.stood_still(kStart + 40s, 35s);
  EXPECT_EQ(booting.due(kStart + 40s), Due::nothing);
  EXPECT_EQ(booting.due(kStart + 65s), Due::boot_overdue);
}

TEST(RunnerState, HasItsDrainLimitAnewForAPauseOfItsHost) {
  RunnerState runner = ready();
  runner.drain(kStart, 5s);
  runner.stood_still(kStart + 10s, 9s);
  EXPECT_EQ(runner.due(kStart + 10s), Due::nothing) << "its last results may be in the socket";
  EXPECT_EQ(runner.due(kStart + 14s), Due::drain_overdue);
}

TEST(RunnerState, MustBeGoneWithinItsDrainLimit) {
  RunnerState runner = ready();
  runner.drain(kStart, 5s);
  EXPECT_EQ(runner.phase(), Phase::draining);
  runner.drain(kStart + 1s, 1h);
  EXPECT_EQ(runner.deadline(), kStart + 5s) << "a later drain can only shorten";
  EXPECT_EQ(runner.due(kStart + 5s), Due::drain_overdue);
}

TEST(RunnerState, DrainsWithoutLimitWhileItWorks) {
  RunnerState runner = ready();
  runner.drain(kStart, kForever);
  runner.heard(kStart + 1h);
  EXPECT_EQ(runner.due(kStart + 1h), Due::nothing);
}

TEST(RunnerState, GivesLastMessagesOfADeadMachineAMoment) {
  RunnerState runner = ready();
  runner.exited(kStart + 1s);
  EXPECT_TRUE(runner.has_exited());
  EXPECT_EQ(runner.due(kStart + 1s), Due::nothing);
  EXPECT_EQ(runner.due(kStart + 1s + RunnerState::kExitGrace), Due::exited);
}

TEST(RunnerState, MayRetireOnlyWithNothingBookedAndNothingUnderWay) {
  EXPECT_TRUE(RunnerState::may_retire(0, 7, 7));
  EXPECT_FALSE(RunnerState::may_retire(0, 6, 7)) << "an invocation crossed the request";
  EXPECT_FALSE(RunnerState::may_retire(1, 7, 7));
}

}  // namespace runner_state_test
}  // namespace flame::pool
