// What the host does with lists: asks by number, destroys what its reaper names, and says so once.
#include "host/src/loop/reaping.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "host/src/loop/machines.hpp"
#include "plugin_sdk/base/limits.hpp"
#include "tests/support/idle_backend.hpp"
#include "tests/support/memory_log.hpp"

namespace flame::pool {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

const HostIdentity kReaping{.run = "run", .host = "web", .origin = "here", .process = "41-900"};

/// Lists when it is told to; destroys what it is asked to.
class ListingBackend final : public test::IdleBackend {
 public:
  explicit ListingBackend(bool lists) : IdleBackend("far") { traits_.lists = lists; }
  [[nodiscard]] const BackendTraits& traits() const override { return traits_; }
  void list(std::uint64_t ticket, const Labels& scope) override {
    if (throws) throw std::runtime_error("no network");
    tickets.push_back(ticket);
    scopes.push_back(scope);
  }
  void destroy(const MachineName& name, const MachineId& id) override {
    if (throws_on_destroy) throw std::runtime_error("no quota");
    destroyed.push_back(name + " " + id);
  }
  [[nodiscard]] BackendEvents& says() const { return *events(); }

  bool throws = false;
  bool throws_on_destroy = false;
  std::vector<std::uint64_t> tickets;
  std::vector<Labels> scopes;
  std::vector<std::string> destroyed;

 private:
  BackendTraits traits_;
};

class ReapingTest : public testing::Test {
 protected:
  ReapingTest() { start({{"far", Reap::destroy}}); }

  void start(Reaping::Modes modes, bool lists = true) {
    backend_ = std::make_shared<ListingBackend>(lists);
    log_ = std::make_shared<test::MemoryLog>();
    machines_ = std::make_unique<Machines>(Machines::Parts{.backends = {{"far", backend_}},
                                                           .inbox = inbox_,
                                                           .identity = kReaping,
                                                           .reaping = {.identity = {},
                                                                       .modes = std::move(modes),
                                                                       .boot_max = 10min,
                                                                       .is_gone =
                                                                           [](const HostProcess& process) {
                                                                             return process == HostProcess{40, 800};
                                                                           },
                                                                       .seed = 1,
                                                                       .log = {}},
                                                           .log = base::Logger(log_)});
    machines_->set_events({.on_boot = [](RunnerKey, const std::optional<BootFailure>&, Instant) {},
                           .on_exit = [](RunnerKey, const std::string&, Instant) {},
                           .on_left = [](RunnerKey, const std::string&) {}});
    machines_->open();
    hear();
  }

  /// What backends have said reaches the loop.
  void hear() {
    std::vector<Command> commands;
    inbox_->take_all(commands);
    for (Command& command : commands) {
      if (auto* said = std::get_if<command::BackendSaid>(&command)) machines_->on(std::move(*said), now_);
    }
  }
  void wait(Duration time) {
    now_ += time;
    machines_->tick(now_);
  }
  /// The next list is asked for; its number.
  std::uint64_t ask() {
    wait(machines_->next_wakeup() - now_);
    return backend_->tickets.back();
  }
  void answer(std::uint64_t ticket, Result<std::vector<Machine>> machines) {
    backend_->says().listed(ticket, std::move(machines));
    hear();
  }
  void list(const std::vector<Machine>& machines) { answer(ask(), machines); }
  [[nodiscard]] std::size_t lines(const std::string& text) const {
    std::size_t count = 0;
    for (const std::string& line : log_->lines()) count += line.find(text) == std::string::npos ? 0 : 1;
    return count;
  }

  static Machine left(const std::string& name) {
    HostIdentity dead = kReaping;
    dead.process = "40-800";
    return {.name = name, .id = "i-" + name, .labels = machine_labels(name, "p", dead), .age = 1h};
  }

  Instant now_{1h};
  std::shared_ptr<ListingBackend> backend_;
  std::shared_ptr<test::MemoryLog> log_;
  std::shared_ptr<Inbox> inbox_ = std::make_shared<Inbox>();
  std::unique_ptr<Machines> machines_;
};

TEST_F(ReapingTest, AsksForTheMachinesOfHostsOfThisNameASecondAfterOpening) {
  wait(999ms);
  EXPECT_THAT(backend_->tickets, IsEmpty());
  wait(1ms);
  EXPECT_THAT(backend_->tickets, ElementsAre(1));
  EXPECT_THAT(backend_->scopes, ElementsAre(Labels{{"flame-host", "web"}}));
}

TEST_F(ReapingTest, ABackendThatDoesNotListIsNotAsked) {
  start({{"far", Reap::destroy}}, false);
  EXPECT_EQ(machines_->next_wakeup(), kNever);
  wait(1h);
  EXPECT_THAT(backend_->tickets, IsEmpty());
}

TEST_F(ReapingTest, DestroysWhatIsLeftAndSaysSoOnce) {
  for (int i = 0; i < 3; ++i) list({left("flame-old-1")});
  EXPECT_THAT(backend_->destroyed, ElementsAre("flame-old-1 i-flame-old-1", "flame-old-1 i-flame-old-1"));
  EXPECT_EQ(lines("machine=flame-old-1"), 1U);
  EXPECT_TRUE(log_->contains("the process of its host does not exist"));
}

TEST_F(ReapingTest, ReportsWhereNothingElseIsSaidAndDestroysNothing) {
  start({});
  for (int i = 0; i < 3; ++i) list({left("flame-old-1")});
  EXPECT_THAT(backend_->destroyed, IsEmpty());
  EXPECT_EQ(lines("machine=flame-old-1"), 1U);
  EXPECT_TRUE(log_->contains("`flame machines reap`"));
}

TEST_F(ReapingTest, AMachineOfThisHostIsNotTouchedWhateverItsLabelsSay) {
  machines_->boot({0, 1}, "far", {.pool = "p", .runner = "r"});
  const MachineName ours = machine_name("run", 1);
  for (int i = 0; i < 3; ++i) list({left(ours)});
  EXPECT_THAT(backend_->destroyed, IsEmpty());
}

TEST_F(ReapingTest, AnAnswerToAnotherListIsNone) {
  const std::uint64_t first = ask();
  answer(first + 7, std::vector{left("flame-old-1")});
  answer(first, std::vector{left("flame-old-1")});
  answer(first, std::vector{left("flame-old-1")});
  EXPECT_THAT(backend_->destroyed, IsEmpty());
}

TEST_F(ReapingTest, AListThatFailsIsToldOnceUntilOneComesAgain) {
  const Error down{.code = ErrorCode::boot_failed, .message = "the engine is down"};
  answer(ask(), down);
  answer(ask(), down);
  EXPECT_EQ(lines("the engine is down"), 1U);
  list({});
  answer(ask(), down);
  EXPECT_EQ(lines("the engine is down"), 2U);
}

TEST_F(ReapingTest, ABackendThatThrowsHasFailedToList) {
  backend_->throws = true;
  wait(1s);
  hear();
  EXPECT_TRUE(log_->contains("its list() has thrown: no network"));
  EXPECT_GT(machines_->next_wakeup(), now_ + 50s) << "it is asked again, not at once";
  EXPECT_LT(machines_->next_wakeup(), now_ + 70s);
}

TEST_F(ReapingTest, WhatCannotBeDestroyedIsToldOnce) {
  list({left("flame-old-1")});
  for (int i = 0; i < 2; ++i) {
    list({left("flame-old-1")});
    backend_->says().destroyed("flame-old-1", Error{.code = ErrorCode::boot_failed, .message = "forbidden"});
    hear();
  }
  EXPECT_EQ(lines("forbidden"), 1U);
  backend_->says().destroyed("flame-other-1", Error{.code = ErrorCode::boot_failed, .message = "not asked"});
  hear();
  EXPECT_EQ(lines("not asked"), 0U);
}

TEST_F(ReapingTest, ABackendThatThrowsHasNotDestroyed) {
  backend_->throws_on_destroy = true;
  list({left("flame-old-1")});
  list({left("flame-old-1")});
  EXPECT_TRUE(log_->contains("its destroy() has thrown: no quota"));
}

TEST_F(ReapingTest, AHostThatEndsListsAndDestroysNothingMore) {
  list({left("flame-old-1")});
  const std::uint64_t ticket = ask();
  machines_->close(now_);
  answer(ticket, std::vector{left("flame-old-1")});
  wait(1h);
  EXPECT_THAT(backend_->destroyed, IsEmpty());
  EXPECT_EQ(backend_->tickets.size(), 2U);
}

}  // namespace
}  // namespace flame::pool
