// Machines with one backend that answers what a test has it say; what pools would hear of it, in words.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "host/src/loop/machines.hpp"
#include "host/src/policy/boot_progress.hpp"
#include "tests/support/idle_backend.hpp"
#include "tests/support/memory_log.hpp"

namespace flame::pool {

/// Answers nothing until it is told to.
class SlowBackend final : public test::IdleBackend {
 public:
  SlowBackend() : IdleBackend("slow") {}
  void boot(BootRequest request) override {
    if (throws) throw std::runtime_error("no quota");
    asked.push_back(std::move(request));
  }
  void destroy(const MachineName& name, const MachineId& id) override {
    if (throws) throw std::runtime_error("no network");
    destroyed.push_back(name + " " + id);
  }
  void list(std::uint64_t ticket, const Labels& scope) override {
    if (throws) throw std::runtime_error("no list");
    lists_asked.push_back(scope);
    last_ticket = ticket;
  }
  void logs(std::uint64_t ticket, const Machine& machine, std::uint64_t bytes_max) override {
    if (throws) throw std::runtime_error("no log");
    logs_asked.push_back(machine.name + " " + machine.id + " " + std::to_string(bytes_max));
    last_ticket = ticket;
  }
  void close(Duration within) override {
    closes.push_back(within);
    if (throws) throw std::runtime_error("no patience");
  }
  [[nodiscard]] BackendEvents& says() const { return *events(); }

  bool throws = false;
  std::vector<BootRequest> asked;
  std::vector<std::string> destroyed;
  std::vector<Duration> closes;
  std::vector<std::string> logs_asked;
  std::vector<Labels> lists_asked;
  std::uint64_t last_ticket = 0;
};

class MachinesTest : public testing::Test {
 protected:
  MachinesTest() {
    machines_->set_events({
        .on_boot =
            [this](RunnerKey runner, std::optional<BootFailure> failure, Instant) {
              told_.push_back("boot " + std::to_string(runner.second) + (failure ? " " + failure->error.message : ""));
            },
        .on_phase =
            [this](RunnerKey runner, BootPhase phase, const std::string& detail, Instant) {
              told_.push_back(std::string(to_string(phase)) + " " + std::to_string(runner.second) + " " + detail);
            },
        .on_exit = [this](RunnerKey runner, const std::string& reason,
                          Instant) { told_.push_back("exit " + std::to_string(runner.second) + " " + reason); },
        .on_ends =
            [this](RunnerKey runner, Duration left, bool fresh, Instant) {
              if (left == kForever) return;
              told_.push_back((fresh ? "ends " : "notice ") + std::to_string(runner.second) + " " +
                              std::to_string(left / std::chrono::seconds(1)) + " s");
            },
        .is_connected = [this](RunnerKey runner) { return connected_.contains(runner.second); },
        .on_log = [this](RunnerKey runner, const std::string& tail,
                         Instant) { told_.push_back("log " + std::to_string(runner.second) + " " + tail); },
        .on_left =
            [this](RunnerKey runner, const std::string& what) {
              told_.push_back("left " + std::to_string(runner.second) + " " + what);
            },
    });
    machines_->open();
  }

  static RunnerKey key(RunnerId runner) { return {0, runner}; }
  /// The name that Machines gives to its n-th boot.
  static MachineName name(std::size_t n) { return "flame-run-" + std::to_string(n); }
  void boot(RunnerId runner) { machines_->boot(key(runner), "slow", {.pool = "p", .runner = "r"}); }
  void destroy(RunnerId runner) { machines_->destroy(key(runner)); }
  void start(std::size_t n, const std::string& id) { says().booted(name(n), Machine{.name = name(n), .id = id}); }
  void fail(std::size_t n, bool may_exist = false) {
    says().booted(name(n),
                  BootFailure{.error = {.code = ErrorCode::boot_failed, .message = "no room"}, .may_exist = may_exist});
  }
  void exit(std::size_t n, const std::string& reason) { says().exited(name(n), {.reason = reason}); }
  void gone(std::size_t n) { says().destroyed(name(n), std::nullopt); }
  void left(std::size_t n) { says().destroyed(name(n), Error{.message = "the engine is down"}); }
  [[nodiscard]] BackendEvents& says() const { return backend_->says(); }
  /// What the pools have heard since the last time, after the loop has run.
  std::vector<std::string> told() {
    std::vector<Command> commands;
    inbox_->take_all(commands);
    for (Command& command : commands) {
      if (auto* said = std::get_if<command::BackendSaid>(&command)) machines_->on(std::move(*said), {});
    }
    return std::exchange(told_, {});
  }
  void hear() { static_cast<void>(told()); }
  /// So long after the beginning.
  void tick(Duration at) { machines_->tick(Instant{} + at); }

  std::shared_ptr<SlowBackend> backend_ = std::make_shared<SlowBackend>();
  std::shared_ptr<Inbox> inbox_ = std::make_shared<Inbox>();
  std::shared_ptr<test::MemoryLog> log_ = std::make_shared<test::MemoryLog>();
  std::unique_ptr<Machines> machines_ = std::make_unique<Machines>(
      Machines::Parts{.backends = {{"slow", backend_}},
                      .max = {{"slow", 2}},
                      .inbox = inbox_,
                      .identity = {.run = "run", .host = "h", .origin = "o", .process = "1-2"},
                      .log = base::Logger(log_)});
  std::vector<std::string> told_;
  std::set<RunnerId> connected_;
};

}  // namespace flame::pool
