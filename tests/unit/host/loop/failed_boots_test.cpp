// Machines: what a pool hears of boots that have failed, and when.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "host/src/loop/machines.hpp"
#include "plugin_sdk/base/limits.hpp"
#include "tests/support/idle_backend.hpp"

namespace flame::pool {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// Answers nothing by itself, and may throw when it is to destroy.
class SilentBackend final : public test::IdleBackend {
 public:
  SilentBackend() : IdleBackend("silent") {}
  void destroy(const MachineName& name, const MachineId& /*id*/) override {
    if (throws) throw std::runtime_error("no network");
    destroyed.push_back(name);
  }
  [[nodiscard]] BackendEvents& says() const { return *events(); }

  bool throws = false;
  std::vector<MachineName> destroyed;
};

class FailedBoots : public testing::Test {
 protected:
  FailedBoots() {
    Machines::Events events;
    events.on_boot = [this](RunnerKey runner, std::optional<BootFailure> failure, Instant) {
      told_.push_back("boot " + std::to_string(runner.second) + " " + failure->error.message);
      tails_.push_back(failure->error.log_tail);
    };
    events.on_left = [this](RunnerKey runner, const std::string& what) {
      told_.push_back("left " + std::to_string(runner.second) + " " + what);
    };
    events.is_connected = [](RunnerKey) { return false; };
    machines_.set_events(std::move(events));
    machines_.open();
  }

  static MachineName name(std::size_t n) { return "flame-run-" + std::to_string(n); }
  void boot(RunnerId runner) { machines_.boot({0, runner}, "silent", {.pool = "p", .runner = "r"}); }
  void fail(std::size_t n, bool may_exist, const std::string& tail = {}) {
    backend_->says().booted(
        name(n), BootFailure{.error = {.code = ErrorCode::boot_failed, .message = "no room", .log_tail = tail},
                             .may_exist = may_exist});
  }
  void gone(std::size_t n) { backend_->says().destroyed(name(n), std::nullopt); }
  /// What the pools have heard since the last time, after the loop has run.
  std::vector<std::string> told() {
    std::vector<Command> commands;
    inbox_->take_all(commands);
    for (Command& command : commands) {
      if (auto* said = std::get_if<command::BackendSaid>(&command)) machines_.on(std::move(*said), {});
    }
    return std::exchange(told_, {});
  }

  std::shared_ptr<SilentBackend> backend_ = std::make_shared<SilentBackend>();
  std::shared_ptr<Inbox> inbox_ = std::make_shared<Inbox>();
  Machines machines_{{.backends = {{"silent", backend_}},
                      .inbox = inbox_,
                      .identity = {.run = "run", .host = "h", .origin = "o", .process = "1-2"},
                      .log = {}}};
  std::vector<std::string> told_;
  std::vector<std::string> tails_;
};

TEST_F(FailedBoots, AreToldAtOnceIfThereIsNoMachine) {
  boot(1);
  fail(1, false, "cannot open the flux capacitor");
  EXPECT_THAT(told(), ElementsAre("boot 1 no room"));
  EXPECT_THAT(tails_, ElementsAre("cannot open the flux capacitor"));
  EXPECT_THAT(backend_->destroyed, IsEmpty());
}

TEST_F(FailedBoots, WhoseMachineMayExistAreToldWhenItIsGone) {
  boot(1);
  fail(1, true);
  EXPECT_THAT(told(), IsEmpty()) << "its pool would boot another one beside it";
  EXPECT_THAT(backend_->destroyed, ElementsAre(name(1)));
  gone(1);
  EXPECT_THAT(told(), ElementsAre("boot 1 no room"));
  EXPECT_EQ(machines_.count(), 0U);
  gone(1);
  EXPECT_THAT(told(), IsEmpty());
}

TEST_F(FailedBoots, WhoseMachineCannotBeLookedForAreToldAndItCounts) {
  boot(1);
  fail(1, true);
  backend_->says().destroyed(name(1), Error{.message = "the engine is down"});
  EXPECT_THAT(told(), ElementsAre(HasSubstr("left 1 the engine is down"), "boot 1 no room"));
  EXPECT_EQ(machines_.count(), 1U);
  gone(1);
  EXPECT_THAT(told(), IsEmpty()) << "once";
  boot(2);
  backend_->throws = true;
  fail(2, true);
  EXPECT_THAT(told(), ElementsAre(HasSubstr("left 2 "), "boot 2 no room"));
}

TEST_F(FailedBoots, ThatWereGivenUpAreNotTold) {
  boot(1);
  machines_.destroy({0, 1});
  fail(1, true);
  EXPECT_THAT(told(), IsEmpty());
  EXPECT_THAT(backend_->destroyed, ElementsAre(name(1), name(1))) << "what came after the first may be there";
  gone(1);
  EXPECT_THAT(told(), IsEmpty());
  EXPECT_EQ(machines_.count(), 0U);
}

TEST_F(FailedBoots, TellTheEndOfTheMachinesLogAndNoMore) {
  boot(1);
  boot(2);
  const std::string most = "first\n" + std::string(limits::kLogTailMax - 6, 'x');
  fail(1, false, most);
  fail(2, false, most + "x");
  static_cast<void>(told());
  EXPECT_THAT(tails_, ElementsAre(most, std::string(limits::kLogTailMax - 5, 'x'))) << "whole lines";
}

}  // namespace
}  // namespace flame::pool
