// From events and actions to steps of calls and runners.
#include "host/src/trace/pool_trace.hpp"

#include <algorithm>

#include "host/src/policy/pool_policy.hpp"

namespace flame::pool {

void PoolTrace::submitted(CallId call, DigestId digest, std::string_view task, Instant now) {
  history_.submitted({call, pool_, digest, task}, now);
}

void PoolTrace::refused(CallId call, std::string_view task, const Error& error, Instant now) {
  history_.submitted({call, pool_, kNoDigest, task}, now);
  history_.answered(call, 0, &error, now);
}

void PoolTrace::on(const Event& event, const Actions& actions, const PoolPolicy& policy, Instant now) {
  std::visit([&](const auto& one) { before(one, now); }, event);
  for (const Action& action : actions) std::visit([&](const auto& one) { note(one, now); }, action);
  std::visit([&](const auto& one) { after(one, policy, now); }, event);
}

void PoolTrace::before(const event::BootOk& event, Instant now) {
  runners_.machine_started(event.runner, now);
}
void PoolTrace::before(const event::BootReached& event, Instant now) {
  runners_.reached(event.runner, event.phase, event.detail, now);
}
void PoolTrace::before(const event::Begun& event, Instant now) {
  history_.add(event.call, {.runner = event.runner, .step = CallStep::begun}, now);
}
void PoolTrace::before(const event::Ended& event, Instant now) {
  history_.let_go(event.call, event.runner, event.error ? &*event.error : nullptr, now);
  history_.add(event.call, {.runner = event.runner, .step = CallStep::ended}, now);
}

void PoolTrace::note(const action::Boot& boot, Instant now) {
  if (boot.sent_on.empty())
    runners_.asked(boot.runner, boot.backend, now);
  else
    runners_.sent_on(boot.runner, boot.backend, boot.sent_on, now);
}
void PoolTrace::note(const action::Admit& admit, Instant now) {
  runners_.ready(admit.runner, now);
}
void PoolTrace::note(const action::Send& send, Instant now) {
  history_.add(send.call,
               {.runner = send.runner, .step = CallStep::sent, .attempt = static_cast<std::uint8_t>(send.attempt)},
               now);
}
void PoolTrace::note(const action::CancelRemote& cancel, Instant now) {
  history_.add(
      cancel.call,
      {.runner = cancel.runner, .step = CallStep::stop_requested, .code = static_cast<std::uint8_t>(cancel.reason)},
      now);
}
void PoolTrace::note(const action::Complete& complete, Instant now) {
  history_.answered(complete.call, complete.runner, complete.error ? &*complete.error : nullptr, now);
}
void PoolTrace::note(const action::LeaseEnded& ended, Instant now) {
  history_.let_go(ended.lease, ended.runner, ended.error ? &*ended.error : nullptr, now);
}
void PoolTrace::note(const action::Quiet& quiet, Instant now) {
  quiet.quiet ? runners_.quiet(quiet.runner, quiet.heard) : runners_.heard_again(quiet.runner, now);
}
void PoolTrace::note(const action::Destroy& destroy, Instant now) {
  runners_.gone(destroy.runner, destroy.reason, now);
}
void PoolTrace::note(const action::AttemptFailed& failed, Instant now) {
  history_.add(failed.call,
               {.runner = failed.runner,
                .step = CallStep::attempt_failed,
                .code = static_cast<std::uint8_t>(failed.error.code),
                .signal = static_cast<std::uint8_t>(failed.error.signal),
                .exit_code = static_cast<std::int16_t>(failed.error.exit_code)},
               now);
}

// It waits if this step has brought it neither a slot nor an answer.
void PoolTrace::after(const event::Submit& event, const PoolPolicy& policy, Instant now) {
  const CallStory* const story = history_.find(event.call);
  if (story == nullptr || story->count > 0) return;
  if (event.lease != 0) {
    const std::uint64_t waiting = policy.waiting_for_turn(event.lease);
    return history_.queued(event.call, {.ahead = waiting - std::min<std::uint64_t>(waiting, 1), .on_object = true},
                           now);
  }
  const PolicyStats stats = policy.stats();
  history_.queued(event.call,
                  {.ahead = stats.waiting - std::min<std::uint64_t>(stats.waiting, 1),
                   .serving = stats.runners - stats.draining - stats.silent,
                   .booting = stats.booting,
                   .silent = stats.silent},
                  now);
}

void PoolTrace::after(const event::Result& event, const PoolPolicy& policy, Instant now) {
  if (!event.objects.empty() && policy.holds_objects(event.call)) history_.held(event.call, event.runner, now);
}

}  // namespace flame::pool
