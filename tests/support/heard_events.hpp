// What a backend has said, kept for a test that waits for it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <flame/backend.hpp>

#include <gtest/gtest.h>

namespace flame::test {

/// Any thread. Waits are at most ten seconds, and a failure of the test then. Outlives its backend.
class HeardEvents final : public BackendEvents {
 public:
  // --- BackendEvents
  void log(int /*level*/, std::string_view line) noexcept override {
    keep([&] { lines_.emplace_back(line); });
  }
  void opened(boost::system::result<EngineFacts, BootFailure> facts) noexcept override {
    keep([&] { opened_ = std::move(facts); });
  }
  void phase(const MachineName& name, BootPhase phase, std::string_view /*detail*/) noexcept override {
    keep([&] { order_[name].push_back("phase " + std::to_string(static_cast<int>(phase))); });
  }
  void booted(const MachineName& name, BootOutcome outcome) noexcept override {
    if (on_booted_) on_booted_(name);
    keep([&] {
      order_[name].emplace_back("booted");
      boots_.push_back(std::move(outcome));
    });
  }
  void ending(const MachineName& name, Duration /*left*/, std::string_view /*why*/) noexcept override {
    keep([&] { order_[name].emplace_back("ending"); });
  }
  void exited(const MachineName& name, MachineExit exit) noexcept override {
    keep([&] {
      order_[name].emplace_back("exited");
      exits_[name] = std::move(exit);
    });
  }
  void destroyed(const MachineName& name, std::optional<Error> left) noexcept override {
    keep([&] { order_[name].emplace_back(left ? "left" : "destroyed"); });
  }
  void listed(std::uint64_t ticket, Result<std::vector<Machine>> machines) noexcept override {
    keep([&] { lists_.insert_or_assign(ticket, std::move(machines)); });
  }
  void logged(std::uint64_t ticket, Result<std::string> text) noexcept override {
    keep([&] { logs_.insert_or_assign(ticket, std::move(text)); });
  }
  void closed() noexcept override {
    keep([&] { closed_ = true; });
  }

  // --- what was heard
  /// Called on the backend's thread before the event is kept. Set before anything boots.
  void on_booted(std::function<void(const MachineName&)> callback) { on_booted_ = std::move(callback); }
  /// The n-th answer to a boot.
  BootOutcome boot(std::size_t n) {
    wait([&] { return boots_.size() > n; });
    const std::lock_guard lock(mutex_);
    return boots_.at(n);
  }
  MachineExit exit_of(const MachineName& name) {
    wait([&] { return exits_.contains(name); });
    const std::lock_guard lock(mutex_);
    return exits_[name];
  }
  /// Everything about one machine once its last event is `last`.
  std::vector<std::string> order_of(const MachineName& name, const std::string& last) {
    wait([&] { return !order_[name].empty() && order_[name].back() == last; });
    const std::lock_guard lock(mutex_);
    return order_[name];
  }
  std::string first_line() {
    wait([&] { return !lines_.empty(); });
    const std::lock_guard lock(mutex_);
    return lines_.empty() ? std::string() : lines_.front();
  }
  Result<std::vector<Machine>> list(std::uint64_t ticket) {
    wait([&] { return lists_.contains(ticket); });
    const std::lock_guard lock(mutex_);
    return lists_.at(ticket);
  }
  Result<std::string> log_of(std::uint64_t ticket) {
    wait([&] { return logs_.contains(ticket); });
    const std::lock_guard lock(mutex_);
    return logs_.at(ticket);
  }
  std::optional<boost::system::result<EngineFacts, BootFailure>> opened_with() {
    wait([&] { return opened_.has_value(); });
    const std::lock_guard lock(mutex_);
    return opened_;
  }
  bool is_closed() {
    return wait([&] { return closed_; });
  }

 private:
  template <class Keep>
  void keep(Keep what) noexcept {
    const std::lock_guard lock(mutex_);
    what();
    changed_.notify_all();
  }
  template <class Condition>
  bool wait(Condition condition) {
    std::unique_lock lock(mutex_);
    const bool held = changed_.wait_for(lock, std::chrono::seconds(10), condition);
    EXPECT_TRUE(held) << "the backend has not said it";
    return held;
  }

  std::function<void(const MachineName&)> on_booted_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<boost::system::result<EngineFacts, BootFailure>> opened_;
  std::vector<BootOutcome> boots_;
  std::map<MachineName, MachineExit> exits_;
  std::map<MachineName, std::vector<std::string>> order_;
  std::vector<std::string> lines_;
  std::map<std::uint64_t, Result<std::vector<Machine>>> lists_;
  std::map<std::uint64_t, Result<std::string>> logs_;
  bool closed_ = false;
};

}  // namespace flame::test
