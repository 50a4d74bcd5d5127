// When things end on a runner: invocations (deadline, cancel, link) and the runner itself (failsafe, idle, single use,
// drain, host loss). Pure: events and `now` go in, actions come out.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/wire/messages.hpp"
#include "runner/policy/clock.hpp"

namespace flame::runner {

/// Why an invocation was asked to stop or killed by the runner itself.
enum class StopCause : std::uint8_t { none = 0, cancelled, timed_out, shutting_down, host_lost };

/// What of an invocation may live on in its slot after its result.
enum class Stays : std::uint8_t { nothing = 0, tracked, child };

/// Tell the task, or what stayed of it, to stop.
struct StopTask {
  std::uint64_t id;
  StopCause cause;
};
/// SIGKILL the slot that runs it.
struct KillTask {
  std::uint64_t id;
  StopCause cause;
};
/// Send Retire to the host.
struct AskRetire {
  std::uint64_t last_seq;
  bool must;
  std::string reason;
};
/// Ask the plugins whether the runner may go; answer with idle_checked().
struct CheckIdle {};
/// That answer is not wanted any more.
struct DropIdleCheck {};
/// Say Bye if the host is still there, kill what is left and exit with `status`.
struct Leave {
  int status;
  std::string reason;
};
using TerminatorAction = std::variant<StopTask, KillTask, AskRetire, CheckIdle, DropIdleCheck, Leave>;

/// Policy of ending. One instance per runner process; events come in the order in which they happened.
class Terminator {
 public:
  /// Not connected yet: leaves with status 1 when no Welcome came within `failsafe`.
  Terminator(Instant now, Duration failsafe);

  /// The host has welcomed us. Starts the idle timer. `checks_idle`: a plugin wants to be asked before the host is.
  /// `host_patience`: a runner that is to leave waits so long for the host to say that it has all results.
  void welcomed(Instant now, const wire::Welcome& welcome, bool checks_idle = false,
                Duration host_patience = limits::kHostSilence);
  /// False: this runner has been let go, the invocation must be answered `shutting_down` and is not known here.
  /// One that runs on an object (Invoke.lease) shares the object's fate when the host is lost.
  [[nodiscard]] bool invoked(Instant now, const wire::Invoke& invoke);
  void cancelled(Instant now, std::uint64_t id, wire::CancelReason reason);
  /// The invocation has its result, and objects of it stay in the slot: it goes on without a deadline until ended().
  /// Once nobody can use it any more (the host promised to send nothing, or is lost), it is told to stop: tracked
  /// resources and linked children at once, with the grace to end in; an unlinked child when the grace has passed.
  /// What then runs on it is stopped with it and never killed before it, for that would take the destructors.
  void stays(Instant now, std::uint64_t id, Stays what);
  /// The invocation's slot is free or gone and its result has left this process.
  void ended(Instant now, std::uint64_t id);
  /// What CheckIdle found; ignored if it was dropped.
  void idle_checked(Instant now, bool may_go);
  void retire_answered(Instant now, bool granted);
  /// The host's Drain: nothing more will be sent.
  void host_drains(Instant now, Duration grace);
  /// `greeted`: the hello is on its way, so the host may count on this runner already.
  void sigterm(Instant now, bool greeted = false);
  /// None of the plugins that ran here can be used here any more: this runner makes way for another as soon as nothing
  /// runs in it.
  void plugin_lost(Instant now, const std::string& why);
  /// Disconnected, silent for too long, or Bye. Idempotent.
  void host_lost(Instant now, const std::string& why);
  /// Time has passed. Call at or after wake_at(); early calls do no harm.
  void tick(Instant now);

  /// The next moment at which tick() may do something; may be early, never late.
  [[nodiscard]] Instant wake_at() const { return wake_at_; }
  [[nodiscard]] std::size_t running() const { return calls_.size(); }
  /// Actions since the last call, in order.
  [[nodiscard]] std::vector<TerminatorAction> take_actions();

 private:
  enum class State : std::uint8_t { dialling, serving, draining, lost, left };
  enum class Stage : std::uint8_t { running, stopping, killed };
  struct Call {
    Instant next = kNever;  // deadline while running, kill time while stopping
    Stage stage = Stage::running;
    StopCause cause = StopCause::none;
    Stays stays = Stays::nothing;
    bool linked = true;
    std::uint64_t lease = 0;  // the call whose objects it runs on
  };

  void stop(Instant now, std::uint64_t id, Call& call, StopCause cause);
  void stop_until(Instant kill_at, std::uint64_t id, Call& call, StopCause cause);
  void promise(Instant now);
  void let_go(Instant now, std::uint64_t id, Call& call);
  void lose(Instant now, std::uint64_t id, Call& call);
  [[nodiscard]] const Call& fate_of(const Call& call) const;
  void kill(std::uint64_t id, Call& call, StopCause cause);
  void tick_calls(Instant now);
  void end_grace(Instant now);
  void make_way(Instant now);
  void begin_drain(Instant now, Duration grace, bool ask, const std::string& reason);
  void ask_for_leave(const std::string& reason);
  void leave_if_done(Instant now);
  void leave(int status, std::string reason);
  void arm_idle(Instant now);
  void on_idle();
  void ask_to_retire();
  void stop_checking();
  void wake_by(Instant at) { wake_at_ = at < wake_at_ ? at : wake_at_; }

  State state_ = State::dialling;
  Instant failsafe_at_;
  Duration idle_after_ = kInfinite;
  Duration shutdown_grace_ = Duration::zero();
  Duration kill_grace_ = Duration::zero();
  Duration host_patience_ = limits::kHostSilence;
  bool single_use_ = false;
  bool checks_idle_ = false;
  bool checking_ = false;  // between CheckIdle and its answer

  std::unordered_map<std::uint64_t, Call> calls_;
  std::uint64_t last_seq_ = 0;
  Instant idle_at_ = kNever;
  std::deque<bool> asked_;       // `must` of each Retire that is not answered yet, oldest first
  bool terminated_ = false;      // before the Welcome, which is awaited a moment longer
  bool promised_ = false;        // the host sends nothing more
  bool confirm_ = false;         // results left since we asked: leave only when the host has those, too
  Instant leave_at_ = kNever;    // draining, nothing runs: do not wait longer for the host's promise
  Instant grace_ends_ = kNever;  // draining or lost: what still runs is stopped
  std::string reason_;           // of the drain
  std::string plugin_lost_;      // why this runner is of no use any more
  Instant wake_at_ = kNever;
  std::vector<TerminatorAction> actions_;
};

}  // namespace flame::runner
