// Every call that has not been answered: its deadline, its attempts, and its exactly one completion.
#pragma once

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <flame/error.hpp>

#include "host/src/policy/actions.hpp"
#include "host/src/policy/deadlines.hpp"
#include "host/src/policy/events.hpp"
#include "host/src/policy/paused_clock.hpp"
#include "host/src/policy/types.hpp"

namespace flame::pool {

/// Pure; not thread-safe. A call leaves the table with the Outcome that answers it; whatever happens to it later (a
/// slot still busy with it) is the Scheduler's business.
class CallTable {
 public:
  struct Limits {
    Duration queue{};   ///< without a budget of its own a call waits this long at most …
    Duration run{};     ///< … and then runs this long, retries included
    Duration queued{};  ///< it waits so much longer while machines are queued for
  };
  /// The one completion of a call.
  struct Outcome {
    CallId call = 0;
    RunnerId runner = 0;  ///< of the last attempt; 0: it was never sent
    bool remote = false;  ///< its slot may still work on it: send a cancel
    std::optional<Error> error;
  };
  struct Queued {
    DigestId digest = 0;
    std::uint64_t order = 0;
  };
  struct Attempt {
    Duration remaining{};
    std::uint32_t number = 1;
  };
  /// What follows from an event about an attempt: an answer, another attempt to queue, a rest, or nothing.
  struct Verdict {
    std::optional<Outcome> outcome;
    std::optional<Queued> retry;
    bool may_still_run =
        false;            ///< it may be tried again, but the last attempt may still run: tell ended() when that is over
    bool linked = false;  ///< lost() found the call, and it ends with its host
  };

  explicit CallTable(const Limits& limits) : limits_(limits) {}

  /// When a call that waits, and the child that it makes, is over at the latest if it gets a slot now; kNever: that has
  /// no limit. It must be in the table.
  [[nodiscard]] Instant ends_by(CallId call, Instant now) const;
  [[nodiscard]] Duration run_limit() const noexcept { return limits_.run; }

  /// A machine is queued for from now on, or not any more: while one is, the time of Limits::queue stands.
  void machine_queued(Instant now) { waiting_time_.hold(now); }
  void machine_placed(Instant now) { waiting_time_.let_go(now); }

  /// A new call, waiting. The id must be new.
  Queued submit(const event::Submit& submit, Instant now);
  /// The new call did not get a slot at once: from now on Limits::queue bounds it, if that does. It may be answered.
  void waits(CallId call, Instant now);
  /// It got a slot.
  Attempt sent(CallId call, RunnerId runner, Instant now);
  /// Events about attempts that are not the present one are ignored (empty Verdict).
  void begun(RunnerId runner, CallId call);
  Verdict result(RunnerId runner, CallId call, const std::optional<Error>& error);
  Verdict ended(RunnerId runner, CallId call);
  /// `proven`: nothing of the attempt is left, so another one may start.
  Verdict lost(RunnerId runner, CallId call, const std::string& reason, bool proven);

  std::optional<Outcome> cancel(CallId call, wire::CancelReason reason);
  /// Answers a call with `error` (its `started` is filled in).
  std::optional<Outcome> fail(CallId call, Error error);
  /// One call whose deadline has passed, earliest first; repeat until nullopt. `boot_failure`: why there is no runner
  /// (turns queue_timed_out into boot_failed).
  std::optional<Outcome> expire(Instant now, const std::optional<Error>& boot_failure);

  [[nodiscard]] Instant next_deadline() const {
    return std::min(deadlines_.next(), waiting_time_.when(patience_.next()));
  }
  [[nodiscard]] std::size_t size() const noexcept { return calls_.size(); }
  /// A result of this runner for this call would be listened to.
  [[nodiscard]] bool awaits_result(RunnerId runner, CallId call) const;
  [[nodiscard]] bool contains(CallId call) const { return calls_.contains(call); }
  /// Calls of one digest: waiting, sent, or resting before a retry.
  [[nodiscard]] std::uint64_t size(DigestId digest) const {
    const auto open = open_.find(digest);
    return open == open_.end() ? 0 : open->second;
  }
  /// Which they are, by age. Linear: for people.
  [[nodiscard]] std::vector<CallId> with(DigestId digest) const;
  /// Those of one digest that were sent and have no deadline, in order of submission. Linear.
  [[nodiscard]] std::vector<CallId> endless(DigestId digest) const;
  /// All calls, in order of submission. Linear.
  [[nodiscard]] std::vector<CallId> all() const;

 private:
  enum class State : std::uint8_t {
    waiting,
    sent,
    begun,
    unproven_calls
  };  // unproven_calls: retried once the last attempt is over
  struct Call {
    DigestId digest = 0;
    std::uint64_t order = 0;
    State state = State::waiting;
    RunnerId runner = 0;
    std::uint32_t attempt = 0;
    std::uint32_t retries_left = 0;
    bool linked = true;
    bool one_budget = false;  // the deadline covers everything; else it is the queue's until the first send
    bool child = false;       // it makes one
    bool on_object = false;   // waits for a turn in one slot, where its objects live
    bool ever_begun = false;
    std::string lost_reason;  // unproven_calls: why its runner was lost; empty: it crashed
    Instant deadline = kNever;
    Deadlines<CallId>::Handle timer;
    Deadlines<CallId>::Handle patience;
  };
  using Calls = std::unordered_map<CallId, Call>;

  Call* present(RunnerId runner, CallId call);
  Outcome finish(Calls::iterator it, std::optional<Error> error);
  static Verdict again(Call& call);
  static Started started(const Call& call) noexcept;
  static Error expired(const Call& call, const std::optional<Error>& boot_failure);

  Limits limits_;
  std::uint64_t next_order_ = 1;
  Calls calls_;
  boost::unordered_flat_map<DigestId, std::uint64_t> open_;
  Deadlines<CallId> deadlines_;
  PausedClock waiting_time_;
  Deadlines<CallId> patience_;  // by waiting_time_: of calls that Limits::queue bounds
};

}  // namespace flame::pool
