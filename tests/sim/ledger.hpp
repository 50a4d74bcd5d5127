// The truth about calls: what callers asked for, what was sent where, what really ran, and what callers were told.
// Holds every promise that one call was given against it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "host/src/policy/actions.hpp"
#include "host/src/policy/events.hpp"
#include "runner/policy/terminator.hpp"
#include "tests/sim/findings.hpp"
#include "tests/sim/plan.hpp"

namespace flame::sim {

/// How the function of a task ended.
enum class Outcome : std::uint8_t { returned, threw, died };

class Ledger {
 public:
  /// What happened, to see that a world is worth its name.
  struct Tally {
    std::uint64_t calls = 0;
    std::uint64_t succeeded = 0;
    std::uint64_t ran = 0;
    std::uint64_t retried = 0;
    std::map<ErrorCode, std::uint64_t> failed;
  };

  Ledger(const Agenda& agenda, Findings& findings, const PoolConfig& pool)
      : agenda_(agenda), findings_(findings), pool_(pool) {}

  // --- the caller
  void submitted(const pool::event::Submit& submit);
  void cancel_asked(CallId call);
  void drain_asked(Duration grace);
  // --- the host
  /// `in_turn`: before all others of its digest that wait.
  void sent(CallId call, RunnerId runner, std::uint32_t attempt, bool in_turn);
  void told(const pool::action::Complete& complete);
  // --- the runner: what runs in its slots
  void began(CallId call, RunnerId runner);
  void ended(CallId call, RunnerId runner, Outcome outcome);
  /// Its machine stands still; then the attempt goes on, or it is killed before it can.
  void paused(CallId call);
  void resumed(CallId call, RunnerId runner);
  /// Its slot is gone before it could tell of its end.
  void died(CallId call) { facts_.at(call).died = true; }
  /// The runner itself gave the call up, or could not start it.
  void stopped(CallId call, runner::StopCause cause);
  void could_not_start(CallId call);
  // --- objects that calls have left in their slots
  void holds(CallId lease) { held_.insert(lease); }
  /// `why` none: they were let go, or the child has ended well.
  void lease_ended(CallId lease, ErrorCode why);
  void child_failed(CallId lease) { failed_children_.insert(lease); }
  /// Its runner told it to stop, or killed it, for this.
  [[nodiscard]] bool was_stopped(CallId call, runner::StopCause cause) const {
    return facts_.at(call).stops.contains(cause);
  }
  /// From now on calls on them may be lost.
  void objects_in_trouble(CallId lease) { in_trouble_.insert(lease); }
  [[nodiscard]] std::uint64_t held() const noexcept { return held_.size(); }
  /// The call that left the objects that this one is on; 0: it uses none.
  [[nodiscard]] CallId lease(CallId call) const { return facts_.at(call).lease; }
  // --- the world
  /// From now on its calls may be lost.
  void excuse(RunnerId runner) { excused_.insert(runner); }
  /// Its machine stood still: graces of a moment may have passed, and a destructor be killed.
  void stood_still(RunnerId runner) { stood_still_.insert(runner); }
  [[nodiscard]] bool excused(RunnerId runner) const { return excused_.contains(runner); }
  void boot_failed() { boots_have_failed_ = true; }
  [[nodiscard]] bool boots_have_failed() const noexcept { return boots_have_failed_; }
  void plugin_broken() { plugins_are_broken_ = true; }
  /// Callers are gone with their host: nothing is owed to them any more.
  void host_is_gone() { due_.clear(); }

  /// A caller that should have been answered by now and was not.
  void check_deadlines();
  [[nodiscard]] std::uint64_t open() const noexcept { return tally_.calls - answered_; }
  [[nodiscard]] std::uint64_t answered() const noexcept { return answered_; }
  [[nodiscard]] std::optional<CallId> some_open(Chance& chance) const;
  [[nodiscard]] std::vector<CallId> all_open() const { return {open_.begin(), open_.end()}; }
  /// Some call with this digest that is not answered.
  [[nodiscard]] std::optional<CallId> open_with(DigestId digest) const;
  [[nodiscard]] DigestId digest(CallId call) const { return facts_.at(call).digest; }
  [[nodiscard]] bool patient(CallId call) const { return facts_.at(call).deadline == kNever; }
  /// How the caller was answered; none: it succeeded; nullopt: not yet.
  [[nodiscard]] std::optional<ErrorCode> answer(CallId call) const { return facts_.at(call).answer; }
  [[nodiscard]] std::uint32_t running() const noexcept { return running_; }
  [[nodiscard]] const Tally& tally() const noexcept { return tally_; }

 private:
  struct Facts {
    DigestId digest = 0;
    CallId lease = 0;
    bool idempotent = false;
    bool linked = true;
    bool has_budget = false;
    std::uint32_t retries = 0;
    Instant deadline = kNever;
    Instant due = kNever;  // later, if a machine may have been queued for
    std::uint32_t sends = 0;
    std::uint32_t begun = 0;
    std::uint32_t running = 0;
    RunnerId where = 0;
    std::set<RunnerId> returned_on;
    bool threw = false;
    bool died = false;
    bool never_started = false;
    bool cancel_asked = false;
    std::set<runner::StopCause> stops;
    std::optional<ErrorCode> answer;
  };

  [[nodiscard]] bool plausible(const Facts& call, ErrorCode code) const;
  [[nodiscard]] bool plausible_end(CallId lease, ErrorCode why) const;
  void check_started(CallId id, const Facts& call, Started started);
  void close(CallId id, Facts& call);

  const Agenda& agenda_;
  Findings& findings_;
  const PoolConfig& pool_;
  std::unordered_map<CallId, Facts> facts_;
  std::set<CallId> open_;
  std::map<DigestId, std::set<CallId>> unsent_;
  std::set<std::pair<Instant, CallId>> due_;
  std::unordered_set<RunnerId> excused_;
  std::unordered_set<RunnerId> stood_still_;
  std::set<CallId> held_;
  std::unordered_set<CallId> leases_ended_;
  std::unordered_set<CallId> in_trouble_;
  std::unordered_set<CallId> failed_children_;
  std::uint64_t answered_ = 0;
  std::uint32_t running_ = 0;
  bool boots_have_failed_ = false;
  bool plugins_are_broken_ = false;
  bool draining_ = false;
  Instant drained_by_ = kNever;
  Tally tally_;
};

}  // namespace flame::sim
