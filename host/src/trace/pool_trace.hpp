// Watches one pool: reads what goes into its policy and what comes out, and writes both into the host's records.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <flame/pool_stats.hpp>

#include "host/src/policy/actions.hpp"
#include "host/src/policy/events.hpp"
#include "host/src/trace/call_history.hpp"
#include "host/src/trace/runner_log.hpp"
#include "plugin_sdk/base/discard_reason.hpp"

namespace flame::pool {

class PoolPolicy;

/// Decides nothing: with or without it a pool does the same. Pure; not thread-safe.
class PoolTrace {
 public:
  /// `pool`: its position in the host. `history` is shared by all pools of a host and outlives this.
  PoolTrace(std::uint32_t pool, CallHistory& history) : pool_(pool), history_(history) {}

  /// Before the Submit of this call is fed.
  void submitted(CallId call, DigestId digest, std::string_view task, Instant now);
  /// It was refused before it could become a Submit.
  void refused(CallId call, std::string_view task, const Error& error, Instant now);
  /// Before the RunnerHello of this runner is fed.
  void hello(RunnerId runner, const wire::Hello& hello, Instant now) { runners_.hello(runner, hello, now); }
  /// `event` was fed to `policy` and gave `actions`, which have not been carried out yet.
  void on(const Event& event, const Actions& actions, const PoolPolicy& policy, Instant now);
  /// A slot of the pool serves no further call.
  void discarded(DiscardReason reason) { ++discards_[std::string(to_string(reason))]; }

  [[nodiscard]] const RunnerLog& runners() const noexcept { return runners_; }
  /// The runner has said that it has the digest, and can use it as far as it knows.
  [[nodiscard]] bool has(RunnerId runner, std::string_view digest) const { return runners_.has(runner, digest); }
  /// What a runner that lives has begun to serve, or could not load; and what it has no more.
  void loaded(RunnerId runner, const wire::PluginState& plugin) { runners_.loaded(runner, plugin); }
  void generation_ended(RunnerId runner, std::string_view digest) { runners_.generation_ended(runner, digest); }
  /// By the name of the reason.
  [[nodiscard]] std::vector<DiscardCount> discards() const {
    std::vector<DiscardCount> counts;
    for (const auto& [reason, count] : discards_) counts.push_back({reason, count});
    return counts;
  }

 private:
  // Events; other kinds are of no interest.
  template <class Other>
  void before(const Other& /*event*/, Instant /*now*/) {}
  void before(const event::BootOk& event, Instant now);
  void before(const event::BootReached& event, Instant now);
  void before(const event::Begun& event, Instant now);
  void before(const event::Ended& event, Instant now);

  // Actions.
  template <class Other>
  void note(const Other& /*action*/, Instant /*now*/) {}
  void note(const action::Boot& boot, Instant now);
  void note(const action::Admit& admit, Instant now);
  void note(const action::Send& send, Instant now);
  void note(const action::CancelRemote& cancel, Instant now);
  void note(const action::Complete& complete, Instant now);
  void note(const action::LeaseEnded& ended, Instant now);
  void note(const action::Quiet& quiet, Instant now);
  void note(const action::Destroy& destroy, Instant now);
  void note(const action::AttemptFailed& failed, Instant now);

  // What the policy's state tells after the event.
  template <class Other>
  void after(const Other& /*event*/, const PoolPolicy& /*policy*/, Instant /*now*/) {}
  void after(const event::Submit& event, const PoolPolicy& policy, Instant now);
  void after(const event::Result& event, const PoolPolicy& policy, Instant now);

  std::uint32_t pool_;
  CallHistory& history_;
  RunnerLog runners_;
  std::map<std::string, std::uint64_t> discards_;
};

}  // namespace flame::pool
