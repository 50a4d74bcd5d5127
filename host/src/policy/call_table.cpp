// CallTable: the life of a call from submit to its one completion.
#include "host/src/policy/call_table.hpp"

#include <algorithm>
#include <utility>

#include "plugin_sdk/base/assert.hpp"
#include "plugin_sdk/base/make_error.hpp"

namespace flame::pool {

namespace {

Error cancelled(wire::CancelReason reason) {
  switch (reason) {
    case wire::CancelReason::shutting_down:
      return base::make_error(ErrorCode::shutting_down, "the host or pool shut down before the call had ended");
    case wire::CancelReason::timed_out:
    case wire::CancelReason::cancelled:
      break;
  }
  return base::make_error(ErrorCode::cancelled, "the caller gave the call up");
}

}  // namespace

CallTable::Queued CallTable::submit(const event::Submit& submit, Instant now) {
  auto [it, fresh] = calls_.try_emplace(submit.call);
  FLAME_ASSERT(fresh, "call ids are unique");
  Call& call = it->second;
  call.digest = submit.digest;
  ++open_[submit.digest];
  call.order = next_order_++;
  call.child = submit.child;
  call.on_object = submit.lease != 0;
  call.retries_left = submit.idempotent && !call.on_object ? submit.retries : 0;
  call.linked = submit.linked;
  call.one_budget = submit.budget.has_value();
  call.deadline = base::deadline_after(now, submit.budget.value_or(limits_.queue));
  if (!call.one_budget && !call.on_object) call.deadline = base::deadline_after(call.deadline, limits_.queued);
  call.timer = deadlines_.arm(submit.call, call.deadline);
  return {call.digest, call.order};
}

void CallTable::waits(CallId id, Instant now) {
  const auto it = calls_.find(id);
  if (it == calls_.end() || it->second.state != State::waiting) return;
  Call& call = it->second;
  if (call.one_budget || call.on_object) return;
  call.patience = patience_.arm(id, base::deadline_after(waiting_time_.read(now), limits_.queue));
}

CallTable::Attempt CallTable::sent(CallId id, RunnerId runner, Instant now) {
  Call& call = calls_.at(id);
  FLAME_ASSERT(call.state == State::waiting, "only a waiting call gets a slot");
  if (!call.one_budget && call.attempt == 0) {
    patience_.disarm(call.patience);
    deadlines_.disarm(call.timer);
    call.deadline = base::deadline_after(now, limits_.run);
    call.timer = deadlines_.arm(id, call.deadline);
  }
  call.state = State::sent;
  call.runner = runner;
  ++call.attempt;
  return {base::remaining(call.deadline, now), call.attempt};
}

Instant CallTable::ends_by(CallId id, Instant now) const {
  const Call& call = calls_.at(id);
  if (call.child) return kNever;
  return call.one_budget || call.attempt > 0 ? call.deadline : base::deadline_after(now, limits_.run);
}

void CallTable::begun(RunnerId runner, CallId id) {
  Call* call = present(runner, id);
  if (!call || call->state != State::sent) return;
  call->state = State::begun;
  call->ever_begun = true;
}

CallTable::Verdict CallTable::result(RunnerId runner, CallId id, const std::optional<Error>& error) {
  Call* call = present(runner, id);
  if (!call || call->state == State::unproven_calls) return {};
  const bool retry = error && error->code == ErrorCode::crashed && call->retries_left > 0;
  if (!retry) return {.outcome = finish(calls_.find(id), error), .retry = std::nullopt};
  // The slot is not free yet: the next attempt waits for Ended, so that attempts never overlap.
  call->ever_begun = call->ever_begun || error->started == Started::yes;
  call->state = State::unproven_calls;
  return {.outcome = std::nullopt, .retry = std::nullopt, .may_still_run = true};
}

CallTable::Verdict CallTable::ended(RunnerId runner, CallId id) {
  Call* call = present(runner, id);
  if (!call) return {};
  if (call->state == State::unproven_calls) return again(*call);
  return lost(runner, id, "it ended the call without a result", true);
}

CallTable::Verdict CallTable::lost(RunnerId runner, CallId id, const std::string& reason, bool proven) {
  Call* call = present(runner, id);
  if (!call) return {};
  const bool retry = call->state == State::unproven_calls || call->retries_left > 0;
  if (retry && proven) return again(*call);
  if (retry) {
    call->ever_begun = call->ever_begun || call->state == State::begun;
    call->state = State::unproven_calls;
    call->lost_reason = reason;
    return {.outcome = std::nullopt, .retry = std::nullopt, .may_still_run = true, .linked = call->linked};
  }
  Error error = base::make_error(ErrorCode::runner_lost, "the runner was lost: " + reason);
  error.message += call->state == State::begun
                       ? "; the task had begun. Call again only if it may run twice"
                       : "; whether the task had begun is not known. Call again only if it may run twice";
  const bool linked = call->linked;
  return {.outcome = finish(calls_.find(id), std::move(error)), .retry = std::nullopt, .linked = linked};
}

std::optional<CallTable::Outcome> CallTable::cancel(CallId id, wire::CancelReason reason) {
  return fail(id, cancelled(reason));
}

std::optional<CallTable::Outcome> CallTable::fail(CallId id, Error error) {
  auto it = calls_.find(id);
  if (it == calls_.end()) return std::nullopt;
  return finish(it, std::move(error));
}

std::optional<CallTable::Outcome> CallTable::expire(Instant now, const std::optional<Error>& boot_failure) {
  std::optional<CallId> due = deadlines_.pop_due(now);
  const bool passed = due.has_value();
  if (!passed) due = patience_.pop_due(waiting_time_.read(now));
  if (!due) return std::nullopt;
  auto it = calls_.find(*due);
  FLAME_ASSERT(it != calls_.end(), "a timer belongs to a call in the table");
  (passed ? it->second.timer : it->second.patience).reset();
  Error error = expired(it->second, boot_failure);
  return finish(it, std::move(error));
}

std::vector<CallId> CallTable::all() const {
  std::vector<std::pair<std::uint64_t, CallId>> ordered;
  for (const auto& [id, call] : calls_) ordered.emplace_back(call.order, id);
  std::ranges::sort(ordered);
  std::vector<CallId> ids;
  for (const auto& [order, id] : ordered) ids.push_back(id);
  return ids;
}

std::vector<CallId> CallTable::endless(DigestId digest) const {
  std::vector<CallId> ids = with(digest);
  std::erase_if(ids, [&](CallId id) {
    const Call& call = calls_.at(id);
    return call.deadline != kNever || (call.state != State::sent && call.state != State::begun);
  });
  return ids;
}

std::vector<CallId> CallTable::with(DigestId digest) const {
  std::vector<CallId> ids = all();
  std::erase_if(ids, [&](CallId id) { return calls_.at(id).digest != digest; });
  return ids;
}

CallTable::Call* CallTable::present(RunnerId runner, CallId id) {
  auto it = calls_.find(id);
  if (it == calls_.end() || it->second.state == State::waiting || it->second.runner != runner) return nullptr;
  return &it->second;
}

bool CallTable::awaits_result(RunnerId runner, CallId id) const {
  const auto it = calls_.find(id);
  return it != calls_.end() && it->second.runner == runner &&
         (it->second.state == State::sent || it->second.state == State::begun);
}

CallTable::Outcome CallTable::finish(Calls::iterator it, std::optional<Error> error) {
  Call& call = it->second;
  Outcome outcome{it->first, call.runner, call.state == State::sent || call.state == State::begun, std::move(error)};
  if (outcome.error) {
    // "Not begun" is said of one attempt, or of none: it is not true of those before.
    const Started said = outcome.error->started;
    const bool after_others = call.attempt > 1 || !outcome.remote;
    if (said == Started::unknown || (said == Started::no && after_others)) outcome.error->started = started(call);
  }
  deadlines_.disarm(call.timer);
  patience_.disarm(call.patience);
  if (const auto open = open_.find(call.digest); --open->second == 0) open_.erase(open);
  calls_.erase(it);
  return outcome;
}

CallTable::Verdict CallTable::again(Call& call) {
  FLAME_ASSERT(call.retries_left > 0, "only a call with retries left is tried again");
  --call.retries_left;
  call.state = State::waiting;
  return {.outcome = std::nullopt, .retry = Queued{call.digest, call.order}};
}

Started CallTable::started(const Call& call) noexcept {
  if (call.ever_begun) return Started::yes;
  return call.attempt == 0 ? Started::no : Started::unknown;
}

Error CallTable::expired(const Call& call, const std::optional<Error>& boot_failure) {
  if (call.state == State::unproven_calls && !call.lost_reason.empty())
    return base::make_error(ErrorCode::runner_lost,
                            "the runner was lost: " + call.lost_reason +
                                "; the call's deadline passed before it was certain that nothing of it "
                                "still ran there, so it was not tried again. Raise the timeout");
  if (call.state == State::sent)
    return base::make_error(
        ErrorCode::timed_out,
        "the call reached its deadline and its runner has not said that the task began: it could make no slot (its "
        "log says why), or the plugin's start() or start_slot() still runs; raise the timeout, or find out why");
  if (call.attempt > 0)
    return base::make_error(ErrorCode::timed_out, "the call ran past its deadline; raise its timeout or send less");
  if (call.on_object)
    return base::make_error(
        ErrorCode::queue_timed_out,
        "earlier calls on the object did not end before this one's deadline; retry later, or raise the timeout");
  if (boot_failure) {
    Error error =
        base::make_error(ErrorCode::boot_failed,
                         "no runner could be booted while the call waited; the last attempt: " + boot_failure->message);
    error.log_tail = boot_failure->log_tail;
    return error;
  }
  return base::make_error(
      ErrorCode::queue_timed_out,
      "no slot became free before the call's deadline; retry later, or raise max, max_concurrency or the "
      "timeout");
}

}  // namespace flame::pool
