// IdleChecks: whatever becomes of a check, the runner gets an answer.
#include "runner/calls/idle_checks.hpp"

#include <gtest/gtest.h>

#include <array>
#include <optional>

#include "plugin_sdk/base/limits.hpp"

namespace flame::runner {
namespace {

using namespace std::chrono_literals;

/// Hears of no check.
class Calls final : public SlotListener {
 public:
  void on_granted(Instant, std::uint64_t id, slot::SlotHandle& /*slot*/) override { strange(id); }
  void on_queued(Instant, std::uint64_t id, slot::SlotHandle& /*slot*/) override { strange(id); }
  void on_result(Instant, slot::SlotResult result, std::string /*log_tail*/) override { strange(result.id); }
  void on_result_chunk(Instant, slot::SlotResultChunk chunk) override { strange(chunk.id); }
  void on_progress(Instant, slot::SlotProgress progress) override { strange(progress.id); }
  void on_output(wire::Output output) override { strange(output.id); }
  void on_room(std::uint64_t id) override { strange(id); }
  void on_freed(Instant, std::uint64_t id) override { strange(id); }
  void on_held(Instant, std::uint64_t id) override { strange(id); }
  void on_let_go(Instant, std::uint64_t id, Error /*why*/) override { strange(id); }
  void on_died(Instant, std::uint64_t id, Error /*error*/) override { strange(id); }
  void on_discarded(const SlotDiscard& discard) override { strange(discard.invocation); }
  [[nodiscard]] std::string task_of(std::uint64_t /*id*/) const override { return {}; }

 private:
  static void strange(std::uint64_t id) { ADD_FAILURE() << "heard of " << id; }
};

/// Makes no process: every check waits for its slot.
class NoForks final : public SlotForker {
 public:
  slot::MakeResult<pid_t> fork_slots(Instant, GenerationId, std::span<slot::SlotHandle* const>, bool,
                                     ProcessId) override {
    return slot::MakeFailure{Error{.code = ErrorCode::boot_failed, .message = "no process"}};
  }
  std::string why_no_slot(Instant, GenerationId) const override { return {}; }
  PluginFile plugin_file(GenerationId) const override { return {}; }
};

class IdleChecksTest : public testing::Test {
 protected:
  IdleChecksTest() { checks_.open(slots_); }
  void start() { checks_.start(now_, std::array<GenerationId, 2>{0, 1}); }

  Instant now_{1000s};
  Calls calls_;
  NoForks forks_;
  Poller poller_;
  std::optional<bool> may_go_;
  IdleChecks checks_{calls_, [this](Instant, bool may_go) { may_go_ = may_go; }};
  SlotPool slots_{now_, wire::Welcome{}, poller_, forks_, checks_};
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

TEST_F(IdleChecksTest, APluginThatCannotBeAskedKeepsNoRunner) {
  start();
  slots_.fail_waiting(now_, 0, Error{.code = ErrorCode::boot_failed, .message = "it does not load"});
  EXPECT_FALSE(may_go_.has_value()) << "the other one may still object";
  slots_.fail_waiting(now_, 1, Error{.code = ErrorCode::boot_failed, .message = "it does not load"});
  EXPECT_EQ(may_go_, true);
}

}  // namespace
}  // namespace flame::runner
