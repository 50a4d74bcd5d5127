// See terminator.hpp.
#include "runner/policy/terminator.hpp"

#include <algorithm>
#include <utility>

#include "plugin_sdk/base/limits.hpp"

namespace flame::runner {

Terminator::Terminator(Instant now, Duration failsafe) : failsafe_at_(deadline_after(now, failsafe)) {
  wake_by(failsafe_at_);
}

void Terminator::welcomed(Instant now, const wire::Welcome& welcome, bool checks_idle, Duration host_patience) {
  if (state_ != State::dialling) return;
  failsafe_at_ = kNever;
  idle_after_ = base::from_wire(welcome.idle_shutdown_ns);
  shutdown_grace_ = base::from_wire(welcome.shutdown_grace_ns);
  kill_grace_ = base::from_wire(std::max<std::int64_t>(welcome.kill_grace_ns, 0));
  host_patience_ = host_patience;
  single_use_ = welcome.single_use;
  checks_idle_ = checks_idle;
  state_ = State::serving;
  if (terminated_) return sigterm(now);
  arm_idle(now);
}

bool Terminator::invoked(Instant now, const wire::Invoke& invoke) {
  if (state_ != State::serving && state_ != State::draining) return false;
  if (promised_) return false;
  last_seq_ = std::max(last_seq_, invoke.seq);
  Call& call = calls_[invoke.id];
  call.linked = invoke.linked;
  call.lease = invoke.lease;
  call.next = deadline_after(now, base::from_wire(invoke.remaining_ns));
  wake_by(call.next);
  idle_at_ = kNever;
  leave_at_ = kNever;
  stop_checking();
  return true;
}

void Terminator::cancelled(Instant now, std::uint64_t id, wire::CancelReason reason) {
  const auto found = calls_.find(id);
  if (found == calls_.end()) return;
  static constexpr StopCause kCauses[] = {StopCause::cancelled, StopCause::timed_out, StopCause::shutting_down};
  const StopCause cause = kCauses[static_cast<std::size_t>(reason)];
  // The host's last word may come between a result after the deadline and what it leaves: see stays().
  if (found->second.stage == Stage::stopping && cause != StopCause::timed_out) found->second.cause = cause;
  stop(now, id, found->second, cause);
}

void Terminator::stays(Instant now, std::uint64_t id, Stays what) {
  const auto found = calls_.find(id);
  if (found == calls_.end()) return;
  Call& call = found->second;
  call.stays = what;
  if (call.stage == Stage::stopping && call.cause != StopCause::timed_out) {
    actions_.emplace_back(StopTask{id, call.cause});  // what it left, this time
    return;
  }
  // Whether a result that crossed the deadline was in time is the host's to say: it lets go of what it does not want.
  if (call.stage == Stage::stopping) call.stage = Stage::running;
  if (call.stage == Stage::running) call.next = kNever;
  if (promised_ || state_ == State::lost) let_go(now, id, call);
}

void Terminator::ended(Instant now, std::uint64_t id) {
  if (calls_.erase(id) == 0) return;
  confirm_ = confirm_ || state_ == State::draining;
  if (!calls_.empty()) return;
  if (single_use_ && state_ == State::serving) begin_drain(now, shutdown_grace_, true, "single use completed");
  make_way(now);
  if (state_ == State::serving) arm_idle(now);
  leave_if_done(now);
}

void Terminator::on_idle() {
  if (!checks_idle_) return ask_to_retire();
  checking_ = true;
  actions_.emplace_back(CheckIdle{});
}

void Terminator::ask_to_retire() {
  asked_.push_back(false);
  actions_.emplace_back(AskRetire{last_seq_, false, "idle"});
}

void Terminator::idle_checked(Instant now, bool may_go) {
  if (!std::exchange(checking_, false)) return;
  if (may_go) return ask_to_retire();
  arm_idle(now);
}

void Terminator::stop_checking() {
  if (std::exchange(checking_, false)) actions_.emplace_back(DropIdleCheck{});
}

void Terminator::retire_answered(Instant now, bool granted) {
  if (asked_.empty()) return;
  const bool must = asked_.front();
  asked_.pop_front();
  if (granted) {
    if (state_ == State::serving) begin_drain(now, shutdown_grace_, false, "idle");
    promise(now);
    leave_if_done(now);
  } else if (!must && state_ == State::serving && calls_.empty()) {
    arm_idle(now);
  }
}

void Terminator::host_drains(Instant now, Duration grace) {
  begin_drain(now, grace, false, "the host drains this runner");
  confirm_ = confirm_ || last_seq_ > 0;  // the last results may still be on their way to it
  promise(now);
  leave_if_done(now);
}

// The host sends nothing more: what only waits to be called has nothing to wait for.
void Terminator::promise(Instant now) {
  promised_ = true;
  for (auto& [id, call] : calls_) let_go(now, id, call);
}

void Terminator::let_go(Instant now, std::uint64_t id, Call& call) {
  if (call.stays == Stays::nothing || (call.stays == Stays::child && !call.linked)) return;
  const bool lost = state_ == State::lost;
  const Instant kill_at = deadline_after(now, kill_grace_);
  stop_until(lost ? kill_at : std::max(kill_at, grace_ends_), id, call,
             lost ? StopCause::host_lost : StopCause::shutting_down);
}

void Terminator::sigterm(Instant now, bool greeted) {
  if (state_ == State::dialling && greeted) {
    terminated_ = true;
    failsafe_at_ = std::min(failsafe_at_, deadline_after(now, limits::kByeWait));
    return wake_by(failsafe_at_);
  }
  if (state_ == State::dialling) return leave(0, "SIGTERM before the host was reached");
  begin_drain(now, shutdown_grace_, true, "SIGTERM");
}

void Terminator::plugin_lost(Instant now, const std::string& why) {
  plugin_lost_ = why;
  make_way(now);
}

// Not before: the host gives those that still run no longer than a shutdown gets.
void Terminator::make_way(Instant now) {
  if (plugin_lost_.empty() || !calls_.empty() || state_ != State::serving) return;
  begin_drain(now, shutdown_grace_, true, plugin_lost_);
}

void Terminator::host_lost(Instant now, const std::string& why) {
  if (state_ == State::lost || state_ == State::left) return;
  if (state_ == State::dialling) return leave(1, why);
  state_ = State::lost;
  idle_at_ = kNever;
  stop_checking();
  reason_ = "host lost: " + why;
  for (auto& [id, call] : calls_) lose(now, id, call);
  grace_ends_ = std::min(grace_ends_, deadline_after(now, shutdown_grace_));
  wake_by(grace_ends_);
  leave_if_done(now);
}

// A call on an object goes as the object goes, whatever its own link: killing it would kill the slot that both are in.
const Terminator::Call& Terminator::fate_of(const Call& call) const {
  const auto lease = calls_.find(call.lease);
  return lease == calls_.end() ? call : lease->second;
}

void Terminator::lose(Instant now, std::uint64_t id, Call& call) {
  const Call& fate = fate_of(call);
  if (fate.stays != Stays::tracked && !fate.linked) return;  // until the grace has passed
  if (fate.stays == Stays::nothing) return kill(id, call, StopCause::host_lost);
  stop(now, id, call, StopCause::host_lost);
}

void Terminator::tick(Instant now) {
  if (now < wake_at_ || state_ == State::left) return;
  wake_at_ = kNever;
  if (now >= failsafe_at_ && terminated_) return leave(0, "SIGTERM before the host had answered");
  if (now >= failsafe_at_) return leave(1, "failsafe: the host could not be reached in time");
  wake_by(failsafe_at_);
  tick_calls(now);
  if (now >= grace_ends_) end_grace(now);
  wake_by(grace_ends_);
  if (now >= idle_at_) {
    idle_at_ = kNever;
    on_idle();
  }
  wake_by(idle_at_);
  if (now >= leave_at_) return leave(0, reason_);
  wake_by(leave_at_);
}

void Terminator::tick_calls(Instant now) {
  for (auto& [id, call] : calls_) {
    if (now >= call.next) {
      if (call.stage == Stage::running) {
        stop(now, id, call, StopCause::timed_out);
      } else {
        kill(id, call, call.cause);
      }
    }
    wake_by(call.next);
  }
}

// The grace of a drain has passed: whatever still runs gets the usual stop, then SIGKILL.
void Terminator::end_grace(Instant now) {
  grace_ends_ = kNever;
  for (auto& [id, call] : calls_) stop(now, id, call, StopCause::shutting_down);
  leave_if_done(now);
}

void Terminator::stop(Instant now, std::uint64_t id, Call& call, StopCause cause) {
  stop_until(deadline_after(now, kill_grace_), id, call, cause);
}

void Terminator::stop_until(Instant kill_at, std::uint64_t id, Call& call, StopCause cause) {
  if (call.stage != Stage::running) return;
  call.stage = Stage::stopping;
  call.cause = cause;
  call.next = kill_at;
  wake_by(call.next);
  actions_.emplace_back(StopTask{id, cause});
}

void Terminator::kill(std::uint64_t id, Call& call, StopCause cause) {
  if (call.stage == Stage::killed) return;
  call.stage = Stage::killed;
  call.cause = cause;
  call.next = kNever;
  actions_.emplace_back(KillTask{id, cause});
}

void Terminator::begin_drain(Instant now, Duration grace, bool ask, const std::string& reason) {
  if (state_ != State::serving && state_ != State::draining) return;
  if (state_ == State::serving) reason_ = reason;
  const bool already_asked = std::find(asked_.begin(), asked_.end(), true) != asked_.end();
  if (ask && !promised_ && !already_asked) ask_for_leave(reason);
  state_ = State::draining;
  idle_at_ = kNever;
  stop_checking();
  grace_ends_ = std::min(grace_ends_, deadline_after(now, grace));
  wake_by(grace_ends_);
  leave_if_done(now);
}

void Terminator::ask_for_leave(const std::string& reason) {
  asked_.push_back(true);
  actions_.emplace_back(AskRetire{last_seq_, true, reason});
}

void Terminator::leave_if_done(Instant now) {
  if (!calls_.empty()) return;
  if (state_ == State::lost) return leave(0, reason_);
  if (state_ != State::draining) return;
  if (promised_ && asked_.empty()) {
    if (!std::exchange(confirm_, false)) return leave(0, reason_);
    ask_for_leave(reason_);
  }
  // The host answers when it has our last results whole, which takes its time on a slow line.
  leave_at_ = std::min(leave_at_, deadline_after(now, host_patience_));
  wake_by(leave_at_);
}

void Terminator::leave(int status, std::string reason) {
  if (state_ == State::left) return;
  state_ = State::left;
  wake_at_ = kNever;
  actions_.emplace_back(Leave{status, std::move(reason)});
}

void Terminator::arm_idle(Instant now) {
  if (!calls_.empty()) return;
  idle_at_ = deadline_after(now, idle_after_);
  wake_by(idle_at_);
}

std::vector<TerminatorAction> Terminator::take_actions() {
  return std::exchange(actions_, {});
}

}  // namespace flame::runner
