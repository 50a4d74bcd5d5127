// Drives one PoolPolicy by hand: events in, the actions of the last event out, time under the test's control.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "host/src/policy/pool_policy.hpp"

namespace flame::pool {

[[nodiscard]] inline PoolConfig pool_config(std::uint32_t min, std::uint32_t max, std::uint32_t concurrency) {
  PoolConfig pool;
  pool.backend = {"local"};
  pool.min = min;
  pool.max = max;
  pool.max_concurrency = concurrency;
  return pool;
}

class PoolScenario {
 public:
  static constexpr DigestId kPlugin = 0;

  explicit PoolScenario(const PoolConfig& config, const PoolPolicy::Options& options = {},
                        const std::vector<DigestId>& plugins = {kPlugin})
      : policy(config, plugins, options) {
    feed(event::Tick{});
  }

  /// Feeds one event; `actions` are its answers.
  PoolScenario& feed(const Event& event) {
    actions.clear();
    policy.on(event, now, actions);
    for (const Action& action : actions) {
      if (const auto* send = std::get_if<action::Send>(&action)) where[send->call] = send->runner;
    }
    return *this;
  }
  PoolScenario& pass(Duration time) {
    now += time;
    return feed(event::Tick{});
  }
  /// Lets time pass in the policy's own steps, with every runner in `alive` saying something each second.
  PoolScenario& pass_alive(Duration time, const std::vector<RunnerId>& alive) {
    std::vector<Action> all;
    for (const Instant end = now + time; now < end;) {
      now = std::min(end, now + std::chrono::seconds(1));
      for (RunnerId runner : alive) {
        feed(event::Heard{runner});
        all.insert(all.end(), actions.begin(), actions.end());
      }
      feed(event::Tick{});
      all.insert(all.end(), actions.begin(), actions.end());
    }
    actions = std::move(all);
    return *this;
  }

  PoolScenario& submit(CallId call) { return feed(event::Submit{.call = call, .digest = kPlugin}); }
  PoolScenario& hello(RunnerId runner) { return feed(event::RunnerHello{runner, {{kPlugin, std::nullopt}}}); }
  /// The call's runner reports success and frees the slot; `actions` holds the answers to both.
  PoolScenario& finish(CallId call) {
    feed(event::Result{where.at(call), call, std::nullopt});
    std::vector<Action> both = actions;
    feed(event::Ended{where.at(call), call});
    both.insert(both.end(), actions.begin(), actions.end());
    actions = std::move(both);
    return *this;
  }

  /// The actions of one kind.
  template <class Kind>
  [[nodiscard]] std::vector<Kind> all() const {
    std::vector<Kind> found;
    for (const Action& action : actions) {
      if (const auto* one = std::get_if<Kind>(&action)) found.push_back(*one);
    }
    return found;
  }
  template <class Kind>
  [[nodiscard]] std::size_t count() const {
    return all<Kind>().size();
  }
  /// The error that completed `call` in the last event; none when it was not completed or succeeded.
  [[nodiscard]] ErrorCode failure(CallId call) const {
    for (const auto& complete : all<action::Complete>()) {
      if (complete.call == call && complete.error) return complete.error->code;
    }
    return ErrorCode::none;
  }
  [[nodiscard]] std::vector<CallId> sent() const {
    std::vector<CallId> calls;
    for (const auto& send : all<action::Send>()) calls.push_back(send.call);
    return calls;
  }

  PoolPolicy policy;
  Instant now{std::chrono::hours(1)};
  Actions actions;
  std::map<CallId, RunnerId> where;
};

}  // namespace flame::pool
