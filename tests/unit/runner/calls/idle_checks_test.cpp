// IdleChecks: whatever becomes of a check, the runner gets an answer.
#include "runner/calls/idle_checks.hpp"

#include <gtest/gtest.h>

#include <array>
#include <optional>

#include "plugin_sdk/base/limits.hpp"
#include "tests/unit/runner/processes/fake_slots.hpp"

namespace flame::runner {
namespace idle_checks_test {

using namespace std::chrono_literals;

/// Hears of no check.
class Calls final : public SlotListener, public SlotReports {
 public:
  void on_granted(Instant, std::uint64_t id, slot::Slot& /*slot*/) override { strange(id); }
  void on_result(Instant, slot::SlotResult result, std::string /*log_tail*/) override { strange(result.id); }
  void on_freed(Instant, std::uint64_t id) override { strange(id); }
  void on_held(Instant, std::uint64_t id) override { strange(id); }
  void on_let_go(Instant, std::uint64_t id, Error /*why*/) override { strange(id); }
  void on_died(Instant, std::uint64_t id, Error /*error*/) override { strange(id); }
  [[nodiscard]] std::string task_of(std::uint64_t /*id*/) const override { return {}; }
  void on_output(wire::Output output) override { strange(output.id); }
  void on_discarded(const SlotDiscard& discard) override { strange(discard.invocation); }

 private:
  static void strange(std::uint64_t id) { ADD_FAILURE() << "heard of " << id; }
};

/// No process is made: every check waits for its slot.
class IdleChecksTest : public testing::Test {
 protected:
  IdleChecksTest() { forks_.has_processes = false; }
  void start() { checks_.start(now_, std::array<GenerationId, 2>{0, 1}); }

  Instant now_{1000s};
  Calls calls_;
  test::FakeSystem forks_;
  std::optional<bool> may_go_;
  SlotPool slots_{now_, wire::Welcome{}, 1, forks_, calls_, calls_};
  IdleChecks checks_{slots_, [this](Instant, bool may_go) { may_go_ = may_go; }};
};

TEST_F(IdleChecksTest, ChecksThatDoNotEndAreGivenUpAndTheRunnerMayGo) {
  start();
  EXPECT_EQ(checks_.wake_at(), now_ + limits::kIdleCheckMax);
  checks_.tick(now_ + limits::kIdleCheckMax - 1ns);
  EXPECT_FALSE(may_go_.has_value());
  checks_.tick(now_ + limits::kIdleCheckMax);
  EXPECT_EQ(may_go_, true);
  EXPECT_EQ(checks_.wake_at(), kNever);
}

TEST_F(IdleChecksTest, NoPluginToAskMeansThatTheRunnerMayGo) {
  checks_.start(now_, {});
  EXPECT_EQ(may_go_, true);
}

TEST_F(IdleChecksTest, ChecksThatACallHasEndedGiveNoAnswer) {
  start();
  checks_.drop(now_);
  checks_.tick(now_ + limits::kIdleCheckMax);
  EXPECT_FALSE(may_go_.has_value());
}

/// One check, in a slot.
class IdleCheckInASlot : public IdleChecksTest {
 protected:
  IdleCheckInASlot() {
    forks_.has_processes = true;
    slots_.generation_up(now_, 0, true);
    checks_.start(now_, std::array<GenerationId, 1>{0});
    slots_.run_actions(now_);
    forks_.slots.at(0)->say(slot::SlotReady{.reusable = true, .reason = {}});
    hear();
    EXPECT_NE(forks_.slots.at(0)->invocation, 0u) << "the check";
  }
  void hear() {
    slots_.on_channel(now_, {1, 0});
    slots_.run_actions(now_);
  }
};

TEST_F(IdleCheckInASlot, CostsNoSlotIfACallComesAndItEndsSoon) {
  checks_.drop(now_);
  slot::SlotResult result;
  result.id = forks_.slots.at(0)->invocation;
  forks_.slots.at(0)->say(std::move(result));
  forks_.slots.at(0)->say(slot::SlotReady{.reusable = true, .reason = {}});
  hear();
  EXPECT_EQ(checks_.wake_at(), kNever);
  checks_.tick(now_ + IdleChecks::kDroppedMax);
  EXPECT_TRUE(forks_.killed.empty());
  EXPECT_FALSE(may_go_.has_value());
}

TEST_F(IdleCheckInASlot, IsKilledIfACallComesAndItDoesNotEndSoon) {
  checks_.drop(now_);
  EXPECT_EQ(checks_.wake_at(), now_ + IdleChecks::kDroppedMax);
  checks_.tick(now_ + IdleChecks::kDroppedMax - 1ns);
  EXPECT_TRUE(forks_.killed.empty());
  checks_.tick(now_ + IdleChecks::kDroppedMax);
  slots_.run_actions(now_);
  EXPECT_EQ(forks_.killed, std::vector<pid_t>{101});
}

TEST_F(IdleCheckInASlot, IsKilledIfTheNextOneComesFirst) {
  checks_.drop(now_);
  checks_.start(now_, std::array<GenerationId, 1>{0});
  slots_.run_actions(now_);
  EXPECT_EQ(forks_.killed, std::vector<pid_t>{101});
}

TEST_F(IdleChecksTest, APluginThatCannotBeAskedKeepsNoRunner) {
  start();
  slots_.fail_waiting(now_, 0, Error{.code = ErrorCode::boot_failed, .message = "it does not load"});
  EXPECT_FALSE(may_go_.has_value()) << "the other one may still object";
  slots_.fail_waiting(now_, 1, Error{.code = ErrorCode::boot_failed, .message = "it does not load"});
  EXPECT_EQ(may_go_, true);
}

}  // namespace idle_checks_test
}  // namespace flame::runner
