// A pool's policy under load, without processes: for measuring what one decision costs.
#pragma once

#include <cstdint>
#include <random>
#include <utility>
#include <vector>

#include "host/src/policy/pool_policy.hpp"

namespace flame::bench {

/// `runners` runners with `slots` slots each and always `calls` calls: more than slots, and the rest wait; fewer, and
/// every decision looks for the least loaded runner. Single-threaded.
class LoadedPool {
 public:
  LoadedPool(std::uint32_t runners, std::uint32_t slots, std::uint64_t calls)
      : policy_(config(runners, slots, calls), {0}, {}) {
    feed(pool::event::Resize{runners, runners});
    for (pool::RunnerId runner = 1; runner <= runners; ++runner)
      feed(pool::event::RunnerHello{runner, {{0, std::nullopt}}});
    for (std::uint64_t call = 0; call < calls; ++call) submit();
  }

  /// Some running call ends and another one comes: Result, Ended and Submit, with the lease that they lead to.
  void turn() {
    std::swap(running_[random_() % running_.size()], running_.back());
    const auto [runner, call] = running_.back();
    running_.pop_back();
    feed(pool::event::Result{runner, call, std::nullopt});
    feed(pool::event::Ended{runner, call});
    submit();
  }

  [[nodiscard]] std::uint64_t running() const noexcept { return running_.size(); }
  [[nodiscard]] pool::PolicyStats stats() const { return policy_.stats(); }

 private:
  static PoolConfig config(std::uint32_t runners, std::uint32_t slots, std::uint64_t calls) {
    PoolConfig config;
    config.backend = {"local"};
    config.max = runners;
    config.max_concurrency = slots;
    config.max_queue = calls;
    config.idle_shutdown_after = kForever;
    return config;
  }
  void submit() { feed(pool::event::Submit{.call = ++last_call_, .budget = std::chrono::hours(1)}); }
  void feed(const pool::Event& event) {
    now_ += std::chrono::nanoseconds(100);
    actions_.clear();
    policy_.on(event, now_, actions_);
    for (const pool::Action& action : actions_)
      if (const auto* send = std::get_if<pool::action::Send>(&action)) running_.emplace_back(send->runner, send->call);
  }

  pool::PoolPolicy policy_;
  std::mt19937_64 random_{1};
  pool::Instant now_{std::chrono::hours(1)};
  pool::Actions actions_;
  std::vector<std::pair<pool::RunnerId, pool::CallId>> running_;
  pool::CallId last_call_ = 0;
};

}  // namespace flame::bench
