// All decisions of one pool: composes CallTable, Scheduler, Elastic, Placement, RunnerState and RunnerGenerations.
// Events and `now` in, actions out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <flame/pool_stats.hpp>

#include "host/src/policy/actions.hpp"
#include "host/src/policy/boot_targets.hpp"
#include "host/src/policy/call_table.hpp"
#include "host/src/policy/elastic.hpp"
#include "host/src/policy/events.hpp"
#include "host/src/policy/lifetimes.hpp"
#include "host/src/policy/object_leases.hpp"
#include "host/src/policy/placement.hpp"
#include "host/src/policy/prepared_reports.hpp"
#include "host/src/policy/runner_generations.hpp"
#include "host/src/policy/runner_state.hpp"
#include "host/src/policy/scheduler.hpp"
#include "host/src/policy/unproven_calls.hpp"

namespace flame::pool {

/// Without `discards`, which the pool's owner knows.
struct PolicyStats : PoolStats {
  std::uint32_t silent = 0;            ///< neither draining nor lost, and without new calls until they are heard again
  std::uint64_t waiting_for_turn = 0;  ///< of `waiting`, in the slot of an object
};

/// Not thread-safe: the loop owns it. `now` must never go back. After construction feed Tick once, so that `min`
/// runners boot.
class PoolPolicy {
 public:
  struct Options {
    std::uint64_t seed = 1;  ///< jitter
    Liveness liveness;
    std::string name = "runner";  ///< in errors, NAME-ID is a runner
    bool nested = false;          ///< see Elastic::Options
    /// Of the host; outlives the pool; null: no backend has a limit. Feed Tick when there is more.
    const BackendRoom* room = nullptr;
    /// A fresh MachineEnds comes for each machine that boots: its runner's hello waits for it, unless machines of its
    /// backend are known to have no end.
    bool ends_are_told = false;
  };
  /// `config` must have passed check_pool(); `plugins`: what is active, no two of one plugin; every
  /// runner of this pool is booted with it.
  PoolPolicy(const PoolConfig& config, std::vector<DigestId> plugins, const Options& options);

  /// Appends what to do. O(log n) in calls and runners, except for Resize, Drain, changes of versions, and what a lost
  /// runner held.
  void on(const Event& event, Instant now, Actions& out);

  /// Feed Tick at this time at the latest; kNever: no timer needed.
  [[nodiscard]] Instant next_wakeup() const;

  [[nodiscard]] PolicyStats stats() const;

  /// A Result of this runner for this call would be listened to.
  [[nodiscard]] bool awaits_result(RunnerId runner, CallId call) const;

  // --- what `flame status` shows beside stats(), see pool_views.cpp
  struct RunnerView {
    RunnerId id = 0;
    RunnerState::Phase phase = RunnerState::Phase::booting;
    BackendIndex backend = 0;
    std::uint32_t leases = 0;
    std::optional<Duration> idle;     ///< without a lease for so long
    std::optional<Duration> ends_in;  ///< its machine, if that is known
    std::optional<Duration> quiet;    ///< nothing was heard for so long: it gets no new calls
  };
  /// By id. Linear.
  [[nodiscard]] std::vector<RunnerView> runner_views(Instant now) const;
  [[nodiscard]] std::optional<CallId> oldest_waiter() const {
    const std::vector<CallId> oldest = scheduler_.oldest_waiters(0, 1);
    return oldest.empty() ? std::nullopt : std::optional(oldest.front());
  }
  /// Calls that wait for their turn in the slot of the lease; whether it is one.
  [[nodiscard]] std::uint64_t waiting_for_turn(CallId lease) const { return held_.waiting_for(lease); }
  [[nodiscard]] bool holds_objects(CallId lease) const { return held_.runner_of(lease).has_value(); }
  /// What its backends have said to boots.
  [[nodiscard]] const Placement& placement() const noexcept { return placement_; }

  /// How far a Prepare is, with what it waits for now: the Prepared before may name calls that have ended. Linear.
  [[nodiscard]] action::Prepared prepared(DigestId digest, Instant now) const;

 private:
  struct Runner {
    RunnerState state;
    BackendIndex backend = 0;
    Deadlines<RunnerId>::Handle timer;
    bool useful = false;                      // some call has ended there
    bool leaving = false;                     // it asked to go and may
    bool hushed = false;                      // closed for new calls because it is silent, and only for that
    bool idle_hushed = false;                 // and it has no lease: another may be booted beside it
    std::string end_reason;                   // of the connection, then the machine's own, which says more
    Instant told = kNever;                    // when its backend has said whether its machine has an end
    std::optional<event::RunnerHello> early;  // it came before that
    bool log_asked = false;                   // while it boots: of its machine …
    std::string log_tail{};                   // … and the answer
  };
  // A runner could not load the digest. The next one may, but not every call may have a machine booted to see.
  struct Broken {
    Error error;
    Instant until;
  };
  using Runners = std::unordered_map<RunnerId, Runner>;

  // pool_policy.cpp: calls, and what follows from every event
  void handle(const event::Submit& event, Instant now, Actions& out);
  void handle(const event::Cancel& event, Instant now, Actions& out);
  void handle(const event::Begun& event, Instant now, Actions& out);
  void handle(const event::Result& event, Instant now, Actions& out);
  void handle(const event::Ended& event, Instant now, Actions& out);
  void handle(const event::Drain& event, Instant now, Actions& out);
  void handle(const event::Resize& event, Instant now, Actions& out);
  void handle(const event::Expect& event, Instant now, Actions& out);
  void advance(Instant now, Actions& out);
  void expire_calls(Instant now, Actions& out);
  void tell_what_kept_it(CallTable::Outcome& outcome, Instant now) const;  // pool_views.cpp
  [[nodiscard]] std::string silence(Instant now) const;                    // pool_views.cpp
  void dispatch(Instant now, Actions& out);
  void grow(Instant now, Actions& out);
  void shed(Instant now, Actions& out);
  void drain_pool(Instant now, Actions& out);
  [[nodiscard]] std::optional<Error> refusal(DigestId digest, Instant now) const;
  template <class Change>
  requires requires(RunnerGenerations& generations, const Change& change, Instant now) { generations.on(change, now); }
  void handle(const Change& change, Instant now, Actions& out) {
    if constexpr (requires { change.runner; })
      if (!alive(change.runner, now, out)) return;
    generations_.on(change, now);
  }
  void follow_versions(Instant now, Actions& out);
  void give_up(std::optional<CallTable::Outcome> outcome, wire::CancelReason reason, Actions& out);
  void complete(CallTable::Outcome outcome, Actions& out);
  void apply(CallId call, CallTable::Verdict verdict, Actions& out);

  // pool_objects.cpp: calls that leave objects in their slot, and calls on those
  void submit_on_object(const event::Submit& event, Instant now, Actions& out);
  void handle(const event::Release& event, Instant now, Actions& out);
  void handle(const event::EndLease& event, Instant now, Actions& out);
  void keep_objects(const event::Result& event, bool wanted, Actions& out);
  void serve_held(CallId lease, Instant now, Actions& out);
  bool ended_inside(const event::Ended& event, Instant now, Actions& out);
  void end_lease(CallId lease, std::optional<Error> error, Actions& out);
  void close_lease(CallId lease, const std::string& why, Actions& out);
  void handle(const event::DeadlinePassed& event, Instant now, Actions& out);
  void handle(const event::EndVersion& event, Instant now, Actions& out);

  // pool_runners.cpp: runners
  void handle(const event::BootOk& event, Instant now, Actions& out);
  void handle(const event::BootFailed& event, Instant now, Actions& out);
  void handle(const event::BootReached& event, Instant now, Actions& out);
  void handle(const event::BootLog& event, Instant now, Actions& out);
  void handle(const event::MachineEnds& event, Instant now, Actions& out);
  void handle(const event::RunnerHello& event, Instant now, Actions& out);
  void handle(const event::StoodStill& event, Instant now, Actions& out);
  void handle(const event::RunnerLost& event, Instant now, Actions& out);
  void handle(const event::MachineExited& event, Instant now, Actions& out);
  void handle(const event::Retire& event, Instant now, Actions& out);
  void boot(BackendIndex backend, bool for_min, Instant now, Actions& out);
  bool boots_elsewhere(Runners::iterator it, const Error& error, Instant now, Actions& out);
  void boot_failed(Runners::iterator it, Error error, Remedy remedy, Duration retry_after, Instant now, Actions& out);
  void give_boot_up(Runners::iterator it, const Error& error, Instant now, Actions& out);
  void tell_of_broken(Instant now, Actions& out);
  void disconnected(Runners::iterator it, const std::string& reason, Instant now, Actions& out);
  void lose(Runners::iterator it, const std::string& reason, Instant now, Actions& out);
  void proven_dead(RunnerId id, Actions& out);
  void remove(Runners::iterator it, const std::string& reason, Actions& out, const std::string& log_tail = {});
  void check_timer(RunnerId id, Instant now, Actions& out);
  void stop_serving(RunnerId id, Runner& runner, Duration limit, Instant now);
  void tell_to_drain(RunnerId id, Runner& runner, Duration grace, Instant now, Actions& out);
  void slot_freed(RunnerId id, Instant now, Actions& out);
  void rearm(RunnerId id, Runner& runner);
  Runner* alive(RunnerId id, Instant now, Actions& out);
  void fall_quiet(RunnerId id, Runner& runner, Actions& out);
  void speaks_again(RunnerId id, Runner& runner, Instant now, Actions& out);
  void close(RunnerId id, Runner& runner);
  bool unhush(Runner& runner) noexcept;
  [[nodiscard]] std::uint32_t runner_count() const noexcept { return static_cast<std::uint32_t>(runners_.size()); }
  [[nodiscard]] Elastic::Counts counts() const;
  [[nodiscard]] Elastic::Counts counts_after(BackendIndex backend) const;

  bool single_use_;
  bool threads_;
  std::uint64_t max_queue_;
  BootProgress::Limits boot_limits_;
  Liveness liveness_;
  std::string name_;
  RunnerGenerations generations_;
  PreparedReports reports_;
  Scheduler scheduler_;
  ObjectLeases held_;
  CallTable calls_;
  Elastic elastic_;
  Placement placement_;
  Lifetimes lifetimes_;
  Runners runners_;
  Deadlines<RunnerId> timers_;
  UnprovenCalls unproven_;
  std::unordered_map<DigestId, Broken> broken_;
  RunnerId next_runner_ = 1;
  std::uint32_t booting_ = 0;
  std::uint32_t serving_ = 0;      // open in the scheduler
  std::uint32_t hushed_ = 0;       // would be open if they were not silent
  std::uint32_t idle_hushed_ = 0;  // of these, without a lease
  bool closed_ = false;            // Drain was asked for
  bool drained_ = false;
  bool emptying_ = false;  // every runner was told to go
  Instant drain_by_ = kNever;
  Instant retry_wakeup_ = kNever;
  PolicyStats stats_;
};

}  // namespace flame::pool
