// Ledger: the promises about one call.
#include "tests/sim/ledger.hpp"

#include <utility>

namespace flame::sim {

void Ledger::submitted(const pool::event::Submit& submit) {
  Facts& call = facts_[submit.call];
  call.digest = submit.digest;
  call.lease = submit.lease;
  call.idempotent = submit.idempotent;
  call.linked = submit.linked;
  call.has_budget = submit.budget.has_value();
  call.retries = submit.idempotent ? submit.retries : 0;
  call.deadline = deadline_after(agenda_.now(), submit.budget.value_or(pool_.boot_timeout));
  call.due = call.has_budget ? call.deadline : deadline_after(call.deadline, pool_.queue_timeout);
  due_.emplace(call.due, submit.call);
  open_.insert(submit.call);
  if (submit.lease == 0) unsent_[submit.digest].insert(submit.call);
  ++tally_.calls;
}

void Ledger::cancel_asked(CallId call) {
  facts_.at(call).cancel_asked = true;
}

void Ledger::drain_asked(Duration grace) {
  draining_ = true;
  drained_by_ = std::min(drained_by_, deadline_after(agenda_.now(), grace));
}

void Ledger::sent(CallId id, RunnerId runner, std::uint32_t attempt, bool in_turn) {
  Facts& call = facts_.at(id);
  if (call.answer) findings_.broken("call ", id, " was sent after its answer");
  if (++call.sends != attempt) findings_.broken("call ", id, " was sent as attempt ", attempt, ", it is ", call.sends);
  if (call.sends > 1 + call.retries) findings_.broken("call ", id, " was sent too often: ", call.sends);
  if (call.running > 0) findings_.broken("call ", id, " was sent again while an attempt still runs");
  call.where = runner;
  if (attempt > 1) {
    ++tally_.retried;
    return;
  }
  if (call.lease == 0) {
    std::set<CallId>& waiting = unsent_[call.digest];
    if (in_turn && *waiting.begin() != id) findings_.broken("call ", id, " overtook call ", *waiting.begin());
    waiting.erase(id);
  }
  if (call.has_budget) return;
  due_.erase({call.due, id});
  call.deadline = call.due = deadline_after(agenda_.now(), pool_.timeout);
  due_.emplace(call.due, id);
}

void Ledger::told(const pool::action::Complete& complete) {
  Facts& call = facts_.at(complete.call);
  if (call.answer) return findings_.broken("call ", complete.call, " was answered twice");
  const ErrorCode code = complete.error ? complete.error->code : ErrorCode::none;
  call.answer = code;
  ++answered_;
  findings_.note("answer ", complete.call, " ", code == ErrorCode::none ? "success" : to_string(code));
  if (code == ErrorCode::none) {
    ++tally_.succeeded;
    if (!call.returned_on.contains(complete.runner))
      findings_.broken("call ", complete.call, " is said to have succeeded on runner ", complete.runner,
                       ", it has not");
  } else {
    ++tally_.failed[code];
    // Its child may fail while its result is still on its way.
    const bool by_child = code == ErrorCode::task_failed && failed_children_.contains(complete.call);
    if (!by_child && !plausible(call, code))
      findings_.broken("call ", complete.call, " failed with ", to_string(code), " for no reason");
    check_started(complete.call, call, complete.error->started);
    if (call.lease != 0 && code == ErrorCode::timed_out) objects_in_trouble(call.lease);
  }
  close(complete.call, call);
}

bool Ledger::plausible(const Facts& call, ErrorCode code) const {
  const bool sent = call.sends > 0;
  const bool late = agenda_.now() >= call.deadline;
  switch (code) {
    case ErrorCode::task_failed:
      return call.threw;
    case ErrorCode::crashed:
      return call.died || call.never_started;
    case ErrorCode::timed_out:
      return sent && late;
    case ErrorCode::queue_timed_out:
      return !sent && late;
    case ErrorCode::queue_full:
      return !sent;
    case ErrorCode::cancelled:
      return call.cancel_asked;
    case ErrorCode::boot_failed:
      return call.never_started || boots_have_failed_;
    case ErrorCode::runner_lost:
      return (sent && excused(call.where)) ||
             (call.lease != 0 && (in_trouble_.contains(call.lease) || excused(facts_.at(call.lease).where)));
    case ErrorCode::not_found:
    case ErrorCode::incompatible:
      return plugins_are_broken_;
    case ErrorCode::invalid_argument:
      return !sent;
    case ErrorCode::shutting_down:
      return draining_ || call.stops.contains(runner::StopCause::shutting_down);
    default:
      return false;
  }
}

void Ledger::check_started(CallId id, const Facts& call, Started started) {
  if (started == Started::no && call.begun > 0) findings_.broken("call ", id, " is said not to have begun, it had");
  if (started == Started::yes && call.begun == 0) findings_.broken("call ", id, " is said to have begun, it had not");
}

void Ledger::close(CallId id, Facts& call) {
  due_.erase({call.due, id});
  open_.erase(id);
  unsent_[call.digest].erase(id);
}

void Ledger::began(CallId id, RunnerId runner) {
  Facts& call = facts_.at(id);
  ++tally_.ran;
  ++call.begun;
  ++running_;
  if (++call.running > 1) findings_.broken("two attempts of call ", id, " run at once, one on runner ", runner);
  if (call.begun > call.sends) findings_.broken("call ", id, " began more often than it was sent");
  if (call.begun > 1 && !call.idempotent) findings_.broken("call ", id, " began twice and is not idempotent");
}

void Ledger::ended(CallId id, RunnerId runner, Outcome outcome) {
  Facts& call = facts_.at(id);
  --call.running;
  --running_;
  if (outcome == Outcome::returned) call.returned_on.insert(runner);
  call.threw = call.threw || outcome == Outcome::threw;
  call.died = call.died || outcome == Outcome::died;
}

void Ledger::paused(CallId id) {
  --facts_.at(id).running;
  --running_;
}

void Ledger::resumed(CallId id, RunnerId runner) {
  ++running_;
  if (++facts_.at(id).running > 1)
    findings_.broken("two attempts of call ", id, " run at once, one on runner ", runner);
}

void Ledger::stopped(CallId id, runner::StopCause cause) {
  Facts& call = facts_.at(id);
  call.stops.insert(cause);
  // What does not stop there takes the objects along.
  if (call.lease != 0) facts_.at(call.lease).stops.insert(cause);
}

void Ledger::could_not_start(CallId id) {
  facts_.at(id).never_started = true;
}

bool Ledger::plausible_end(CallId lease, ErrorCode why) const {
  const Facts& call = facts_.at(lease);
  switch (why) {
    case ErrorCode::none:
      return true;
    case ErrorCode::crashed:
      return call.died || stood_still_.contains(call.where);
    case ErrorCode::task_failed:
      return failed_children_.contains(lease);
    case ErrorCode::cancelled:
      return call.stops.contains(runner::StopCause::cancelled);
    case ErrorCode::timed_out:
      return call.stops.contains(runner::StopCause::timed_out);
    case ErrorCode::shutting_down:
      return call.stops.contains(runner::StopCause::shutting_down);
    case ErrorCode::runner_lost:
      return excused(call.where) || in_trouble_.contains(lease);
    default:
      return false;
  }
}

void Ledger::lease_ended(CallId lease, ErrorCode why) {
  if (!plausible_end(lease, why))
    findings_.broken("the objects of call ", lease, " are said to be gone: ", to_string(why), " for no reason");
  if (!leases_ended_.insert(lease).second)
    findings_.broken("the objects of call ", lease, " are said to be gone twice");
  in_trouble_.insert(lease);
  held_.erase(lease);
}

void Ledger::check_deadlines() {
  if (due_.empty() || due_.begin()->first >= agenda_.now()) return;
  findings_.broken("call ", due_.begin()->second, " was not answered by its deadline");
}

std::optional<CallId> Ledger::open_with(DigestId digest) const {
  for (const CallId call : open_)
    if (facts_.at(call).digest == digest) return call;
  return std::nullopt;
}

std::optional<CallId> Ledger::some_open(Chance& chance) const {
  if (open_.empty()) return std::nullopt;
  return chance.pick(open_);
}

}  // namespace flame::sim
