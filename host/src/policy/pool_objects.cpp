// PoolPolicy: objects that stay in a slot after their call, and calls that go to them.
#include <string_view>
#include <utility>

#include "host/src/policy/pool_policy.hpp"
#include "plugin_sdk/base/make_error.hpp"

namespace flame::pool {

namespace {

Error object_gone(const std::string& why) {
  return base::make_error(ErrorCode::runner_lost,
                          "the object is gone: " + (why.empty() ? "it has ended" : why) + "; make it again");
}

constexpr std::string_view kReplacedBy = "replaced by ";

}  // namespace

void PoolPolicy::submit_on_object(const event::Submit& event, Instant now, Actions& out) {
  calls_.submit(event, now);
  const auto refuse = [&](Error error) { complete(*calls_.fail(event.call, std::move(error)), out); };
  if (closed_) return refuse(base::make_error(ErrorCode::shutting_down, "the pool is shutting down; stop calling it"));
  switch (held_.enqueue(event.lease, event.call)) {
    case ObjectLeases::Admission::gone:
      return refuse(object_gone(held_.why_closing(event.lease)));
    case ObjectLeases::Admission::full:
      return refuse(base::make_error(ErrorCode::queue_full,
                                     "as many calls as may wait (max_queue) wait for the object already; "
                                     "retry later, or use several objects"));
    case ObjectLeases::Admission::queued:
      expire_calls(now, out);
      serve_held(event.lease, now, out);
  }
}

void PoolPolicy::serve_held(CallId lease, Instant now, Actions& out) {
  const std::optional<ObjectLeases::Turn> turn = held_.next(lease);
  if (!turn) return;
  const CallTable::Attempt attempt = calls_.sent(turn->call, turn->runner, now);
  out.push_back(action::Send{turn->call, turn->runner, attempt.remaining, attempt.number});
}

void PoolPolicy::handle(const event::Release& event, Instant, Actions& out) {
  if (const auto runner = held_.runner_of(event.lease))
    out.push_back(action::ReleaseObjects{*runner, event.lease, {event.object}});
}

void PoolPolicy::handle(const event::EndLease& event, Instant, Actions& out) {
  const auto runner = held_.runner_of(event.lease);
  if (!runner) return;
  out.push_back(action::CancelRemote{event.lease, *runner, wire::CancelReason::cancelled});
  close_lease(event.lease, "it was told to stop", out);
}

// `wanted`: somebody gets handles to them. Else the caller is gone, and they are let go at once.
void PoolPolicy::keep_objects(const event::Result& event, bool wanted, Actions& out) {
  const std::optional<CallId> around = held_.lease_around(event.call);
  const CallId lease = around.value_or(event.call);
  if (!around && scheduler_.holds(event.runner, event.call)) held_.open(lease, event.runner);
  if (runners_.at(event.runner).leaving) close_lease(lease, "its runner is ending", out);
  if (wanted || held_.runner_of(lease) != event.runner) return;
  if (around)
    out.push_back(action::ReleaseObjects{event.runner, lease, event.objects});
  else
    out.push_back(action::CancelRemote{lease, event.runner, wire::CancelReason::cancelled});
}

bool PoolPolicy::ended_inside(const event::Ended& event, Instant now, Actions& out) {
  const std::optional<CallId> lease = held_.ended(event.runner, event.call);
  if (!lease) return false;
  apply(event.call, calls_.ended(event.runner, event.call), out);
  serve_held(*lease, now, out);
  return true;
}

void PoolPolicy::handle(const event::EndVersion& event, Instant, Actions& out) {
  const std::string why = std::string(kReplacedBy) + event.successor;
  for (const CallId lease : scheduler_.holders(event.digest)) {
    const auto runner = held_.runner_of(lease);
    if (!runner || !held_.why_closing(lease).empty()) continue;
    out.push_back(action::CancelRemote{lease, *runner, wire::CancelReason::cancelled});
    close_lease(lease, why, out);
  }
  for (const CallId call : calls_.endless(event.digest))
    give_up(calls_.fail(call, base::make_error(ErrorCode::cancelled, why)), wire::CancelReason::cancelled, out);
}

// A runner knows only that its host told the slot to stop.
void PoolPolicy::end_lease(CallId lease, std::optional<Error> error, Actions& out) {
  const std::string& closing = held_.why_closing(lease);
  if (error && error->code == ErrorCode::cancelled && closing.starts_with(kReplacedBy)) error->message = closing;
  const std::optional<ObjectLeases::Remains> remains = held_.close(lease);
  if (!remains) return;
  const std::string why = error ? error->message : std::string();
  for (CallId call : remains->waiting) complete(*calls_.fail(call, object_gone(why)), out);
  if (remains->inside)  // lost with it, unless its caller has given up before
    if (auto outcome = calls_.fail(*remains->inside, object_gone(why))) {
      if (runners_.contains(remains->runner)) out.push_back(action::Withdraw{outcome->call, remains->runner});
      complete(std::move(*outcome), out);
    }
  out.push_back(action::LeaseEnded{lease, remains->runner, error});
}

void PoolPolicy::close_lease(CallId lease, const std::string& why, Actions& out) {
  for (CallId call : held_.begin_close(lease, why)) complete(*calls_.fail(call, object_gone(why)), out);
}

void PoolPolicy::handle(const event::DeadlinePassed& event, Instant, Actions& out) {
  const auto runner = held_.runner_of(event.lease);
  if (!runner) return;
  out.push_back(action::CancelRemote{event.lease, *runner, wire::CancelReason::timed_out});
  close_lease(event.lease, "a call on it ran past its deadline", out);
}

}  // namespace flame::pool
