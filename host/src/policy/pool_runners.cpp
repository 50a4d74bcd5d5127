// PoolPolicy: what happens to runners: boots, hellos, losses, retirement, timers.
#include <algorithm>
#include <utility>

#include "host/src/policy/pool_policy.hpp"
#include "host/src/policy/runner_plugins.hpp"
#include "host/src/policy/seconds.hpp"
#include "plugin_sdk/base/assert.hpp"
#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/make_error.hpp"

namespace flame::pool {

namespace {

// The waiting time of calls stands while any machine is queued for.
void count_queued(CallTable& calls, bool was_queued, bool is_queued, Instant now) {
  if (is_queued && !was_queued) calls.machine_queued(now);
  if (was_queued && !is_queued) calls.machine_placed(now);
}

// A runner that was told to go gets a moment more than its work, for its Bye.
Duration after_bye(Duration grace) {
  return grace >= kForever - limits::kByeWait ? kForever : grace + limits::kByeWait;
}

}  // namespace

void PoolPolicy::handle(const event::BootOk& event, Instant now, Actions& out) {
  if (!runners_.contains(event.runner))
    out.push_back(action::Destroy{event.runner, {}});
  else if (runners_.at(event.runner).state.boot().is_queued())  // its backend tells of the machine only
    handle(event::BootReached{event.runner, BootPhase::placed, {}}, now, out);
}

void PoolPolicy::handle(const event::BootReached& event, Instant now, Actions&) {
  const auto it = runners_.find(event.runner);
  if (it == runners_.end() || !it->second.state.is_booting()) return;
  RunnerState& state = it->second.state;
  const bool was_queued = state.boot().is_queued();
  if (!state.reached(event.phase, event.detail, now)) return;
  count_queued(calls_, was_queued, state.boot().is_queued(), now);
  rearm(event.runner, it->second);
}

void PoolPolicy::handle(const event::BootLog& event, Instant, Actions&) {
  const auto it = runners_.find(event.runner);
  if (it != runners_.end() && it->second.state.is_booting()) it->second.log_tail = event.tail;
}

void PoolPolicy::handle(const event::MachineEnds& event, Instant now, Actions& out) {
  const auto it = runners_.find(event.runner);
  if (it == runners_.end()) return;
  Runner& runner = it->second;
  if (event.left != kForever) lifetimes_.ends();
  const Instant end = base::deadline_after(now, event.left);
  runner.state.ends(end, lifetimes_.drains_at(end));
  rearm(event.runner, runner);
  if (!event.fresh) return;
  runner.told = now;
  if (std::optional<Error> error = lifetimes_.booted(runner.backend, event.left)) {
    const bool useless = lifetimes_.is_useless(runner.backend);
    if (runner.state.is_booting())
      return boot_failed(it, std::move(*error), useless ? Remedy::permanent : Remedy::retry, {}, now, out);
    // Its end has come: it drains at once. What is one machine's alone is no reason to wait with the next.
    if (useless) placement_.failed(runner.backend, *error, Remedy::permanent, {}, now);
  }
  if (!runner.early) return;
  const event::RunnerHello hello = *std::exchange(runner.early, std::nullopt);
  handle(hello, now, out);
}

void PoolPolicy::handle(const event::BootFailed& event, Instant now, Actions& out) {
  auto it = runners_.find(event.runner);
  if (it == runners_.end() || !it->second.state.is_booting()) return;
  it->second.log_asked = false;  // it may go on elsewhere, with another machine
  it->second.log_tail.clear();
  boot_failed(it, event.error, event.remedy, event.retry_after, now, out);
}

void PoolPolicy::handle(const event::RunnerHello& event, Instant now, Actions& out) {
  auto it = runners_.find(event.runner);
  if (it == runners_.end()) {
    out.push_back(action::Reject{event.runner, "this pool does not expect the runner (any more)"});
    return;
  }
  Runner& runner = it->second;
  if (!runner.state.is_booting() || runner.early) {
    out.push_back(action::Reject{event.runner, "the runner said hello before; a new one is needed"});
    return;
  }
  if (runner.told == kNever && lifetimes_.awaits_end(runner.backend)) {
    runner.early = event;
    return;
  }
  const std::vector<event::RunnerPlugin> plugins = all_plugins(event.plugins, generations_.asked(event.runner));
  std::vector<DigestId> serves;
  bool usable = false;
  for (const event::RunnerPlugin& plugin : plugins) {
    usable = usable || !plugin.error;
    if (plugin.error)  // remembered for a while
      broken_[plugin.digest] = {*plugin.error, base::deadline_after(now, BackOff::kMax)};
    else if (!generations_.versions().is_candidate(plugin.digest))
      serves.push_back(plugin.digest);
  }
  if (!usable && !generations_.asked(event.runner).empty()) {
    const std::string why = plugins.front().error->message;
    tell_of_broken(now, out);
    return boot_failed(it, {.message = "the runner can use none of its plugins: " + why}, Remedy::retry, {}, now, out);
  }
  if (std::optional<Error> late =
          lifetimes_.served(runner.backend, runner.told == kNever ? Duration() : now - runner.told)) {
    const Remedy remedy = lifetimes_.is_useless(runner.backend) ? Remedy::permanent : Remedy::retry;
    return boot_failed(it, std::move(*late), remedy, {}, now, out);
  }
  --booting_;
  count_queued(calls_, runner.state.phase() == RunnerState::Phase::queued, false, now);
  const bool greeted = runner.state.hello(now, event.local);
  FLAME_ASSERT(greeted, "it was booting");
  placement_.succeeded(runner.backend);
  out.push_back(action::Admit{event.runner, elastic_.ask_after()});
  if (!runner.state.for_min())
    out.push_back(
        action::Callback{action::Callback::Kind::grow_end, event.runner, runner.backend, runner_count(), {}, {}});
  scheduler_.add_runner(event.runner, serves, runner.backend);
  generations_.joined(event.runner, plugins, now);
  ++serving_;
  tell_of_broken(now, out);
  rearm(event.runner, runner);
}

void PoolPolicy::handle(const event::StoodStill& event, Instant now, Actions&) {
  for (auto& [id, runner] : runners_) {
    runner.state.stood_still(now, event.pause);
    rearm(id, runner);
  }
  generations_.stood_still(event.pause);
  unproven_.stood_still(event.pause);
}

void PoolPolicy::handle(const event::RunnerLost& event, Instant now, Actions& out) {
  auto it = runners_.find(event.runner);
  if (it == runners_.end()) return;
  if (it->second.state.is_booting())
    return boot_failed(it, {.message = "the runner left while it booted: " + event.reason}, Remedy::retry, {}, now,
                       out);
  if (event.goodbye && scheduler_.leases(it->first) == 0) it->second.end_reason = event.reason;
  disconnected(it, event.reason, now, out);
}

// Mostly the backend is about to say what has become of the machine.
void PoolPolicy::disconnected(Runners::iterator it, const std::string& reason, Instant now, Actions& out) {
  Runner& runner = it->second;
  const bool expected = runner.state.phase() == RunnerState::Phase::draining && scheduler_.leases(it->first) == 0;
  if (expected || runner.state.has_exited()) return lose(it, reason, now, out);
  close(it->first, runner);
  runner.end_reason = reason;
  runner.state.disconnected(now);
  rearm(it->first, runner);
}

void PoolPolicy::handle(const event::MachineExited& event, Instant now, Actions& out) {
  auto it = runners_.find(event.runner);
  if (it == runners_.end()) return proven_dead(event.runner, out);
  Runner& runner = it->second;
  runner.end_reason = event.reason;
  if (runner.state.is_booting()) {
    return boot_failed(it, {.message = "the runner ended before it had dialled in: " + event.reason}, Remedy::retry, {},
                       now, out);
  }
  const bool leaves = runner.state.phase() == RunnerState::Phase::draining;
  runner.state.exited(now);
  if (runner.state.is_disconnected() || (scheduler_.leases(event.runner) == 0 && !leaves)) {
    lose(it, event.reason, now, out);
  } else {
    close(event.runner, runner);
    rearm(event.runner, runner);
  }
}

void PoolPolicy::handle(const event::Retire& event, Instant now, Actions& out) {
  Runner* runner = alive(event.runner, now, out);
  if (!runner) return;
  const bool free = RunnerState::may_retire(scheduler_.leases(event.runner), event.last_seq, event.sent_seq);
  const bool draining = runner->state.phase() == RunnerState::Phase::draining;
  // A runner that must go gets its leave at once: the promise is that nothing is sent after the reply.
  bool granted = event.must || (free && draining);
  // What has loaded the next version is not given away before anybody could use it.
  const bool spare = generations_.versions().candidates().empty();
  if (!granted && free && spare && elastic_.may_retire(counts_after(runner->backend), runner->state.idle(now), now)) {
    elastic_.retired(serving_);
    granted = true;
  }
  if (granted) stop_serving(event.runner, *runner, after_bye(lifetimes_.shutdown_timeout()), now);
  runner->leaving = runner->leaving || granted;
  if (granted)
    for (CallId lease : held_.leases(event.runner)) close_lease(lease, "its runner is ending", out);
  out.push_back(action::RetireReply{event.runner, granted});
}

void PoolPolicy::boot_failed(Runners::iterator it, Error error, Remedy remedy, Duration retry_after, Instant now,
                             Actions& out) {
  error.code = ErrorCode::boot_failed;
  placement_.failed(it->second.backend, error, remedy, retry_after, now);
  if (remedy == Remedy::elsewhere && boots_elsewhere(it, error, now, out)) return;
  ++stats_.boots_failed;
  give_boot_up(it, error, now, out);
  if (booting_ > 0 || !placement_.hopeless()) return;
  if (const auto all = placement_.last_failure(now)) error = *all;
  for (DigestId digest : scheduler_.wanted()) {
    if (scheduler_.servers(digest) > 0 || generations_.coming(digest) > 0) continue;
    for (CallId call : scheduler_.waiters(digest))
      give_up(calls_.fail(call, error), wire::CancelReason::cancelled, out);
  }
}

void PoolPolicy::give_boot_up(Runners::iterator it, const Error& error, Instant now, Actions& out) {
  const RunnerId id = it->first;
  const BackendIndex backend = it->second.backend;
  const bool for_min = it->second.state.for_min();
  count_queued(calls_, it->second.state.boot().is_queued(), false, now);
  remove(it, error.message, out, error.log_tail);
  if (!for_min)
    out.push_back(action::Callback{action::Callback::Kind::grow_end, id, backend, runner_count(), error, {}});
}

void PoolPolicy::lose(Runners::iterator it, const std::string& reason, Instant now, Actions& out) {
  const RunnerId id = it->first;
  const std::string why = it->second.end_reason.empty() ? reason : it->second.end_reason;
  // One that nobody told to go, before it had ended a call or lived as long as a boot may take.
  const RunnerState& state = it->second.state;
  if (state.phase() == RunnerState::Phase::ready && !it->second.useful && !closed_ &&
      state.age(now) < boot_limits_.boot)
    placement_.lost_young(
        it->second.backend,
        base::make_error(ErrorCode::boot_failed, "runners are lost soon after they have dialled in: " + why), now);
  if (scheduler_.is_open(id)) --serving_;
  const std::vector<CallId> held = scheduler_.remove_runner(id);
  if (it->second.state.phase() == RunnerState::Phase::ready || !held.empty()) ++stats_.runners_lost;
  const bool proven = it->second.state.has_exited();
  Instant over = base::deadline_after(now, limits::kDeathProofWait);
  // One that stood still when it was to give us up waits so much longer; one whose connection has ended does not.
  if (!it->second.state.is_disconnected()) over = base::deadline_after(over, limits::kSilenceBeatsMin * liveness_.beat);
  // Without a limit of silence the runner is one that sees its connection end as soon as we do.
  if (it->second.state.silent_at() != kNever) over = std::max(over, it->second.state.silent_at());
  remove(it, why, out);
  out.push_back(action::Callback{action::Callback::Kind::shrink, id, {}, runner_count(), {}, why});
  std::vector<CallId> unproven_calls;
  bool all_linked = true;
  for (CallId call : held) {
    const Error error = base::make_error(ErrorCode::runner_lost, "its runner was lost: " + why);
    end_lease(call, error, out);
    CallTable::Verdict verdict = calls_.lost(id, call, why, proven);
    if (verdict.may_still_run || verdict.retry) out.push_back(action::AttemptFailed{call, id, error});
    if (verdict.may_still_run) unproven_calls.push_back(call);
    // A thread that is to end waits for the others of its process.
    all_linked = all_linked && (verdict.linked || !(verdict.may_still_run || threads_));
    apply(call, std::move(verdict), out);
  }
  // There it goes on for its grace, then it is stopped, then killed.
  if (!all_linked)
    over = base::deadline_after(base::deadline_after(over, lifetimes_.shutdown_timeout()), limits::kKillGrace);
  if (threads_) over = base::deadline_after(over, limits::kRetireGrace);
  if (!unproven_calls.empty()) unproven_.add(id, std::move(unproven_calls), over);
}

// Nothing of its calls is left there: another attempt overlaps with none.
void PoolPolicy::proven_dead(RunnerId id, Actions& out) {
  for (CallId call : unproven_.take(id)) apply(call, calls_.ended(id, call), out);
}

void PoolPolicy::remove(Runners::iterator it, const std::string& reason, Actions& out, const std::string& log_tail) {
  Runner& runner = it->second;
  if (runner.state.is_booting()) --booting_;
  lifetimes_.gone(runner.backend);
  generations_.removed(it->first);
  timers_.disarm(runner.timer);
  unhush(runner);
  out.push_back(action::Destroy{it->first, reason, log_tail});
  runners_.erase(it);
}

void PoolPolicy::check_timer(RunnerId id, Instant now, Actions& out) {
  auto it = runners_.find(id);
  FLAME_ASSERT(it != runners_.end(), "a timer belongs to a runner");
  it->second.timer.reset();
  switch (it->second.state.due(now)) {
    case RunnerState::Due::nothing:
      if (it->second.state.is_booting() && it->second.state.boot().log_at() <= now) {
        it->second.log_asked = true;
        out.push_back(action::AskLog{id});
      }
      return rearm(id, it->second);
    case RunnerState::Due::boot_overdue:
      return boot_failed(it, {.message = it->second.state.boot().overdue(now), .log_tail = it->second.log_tail},
                         Remedy::retry, {}, now, out);
    case RunnerState::Due::silent:
      return lose(it, "nothing was heard from it for " + seconds(liveness_.runner_silence), now, out);
    case RunnerState::Due::quiet:
      return fall_quiet(id, it->second, out);
    case RunnerState::Due::exited:
    case RunnerState::Due::disconnected:
      return lose(it, it->second.end_reason, now, out);
    case RunnerState::Due::ending:
      if (!it->second.useful && it->second.state.age(now) < boot_limits_.boot)
        placement_.lost_young(
            it->second.backend,
            {.code = ErrorCode::boot_failed, .message = "its machines end soon after their runners have dialled in"},
            now);
      it->second.leaving = true;  // as one that has asked to
      for (CallId lease : held_.leases(id)) close_lease(lease, "the machine of its runner is about to end", out);
      return tell_to_drain(id, it->second,
                           std::min(lifetimes_.shutdown_timeout(), base::remaining(it->second.state.end(), now)), now,
                           out);
    case RunnerState::Due::drain_overdue:
      return lose(it, "it did not end within shutdown_timeout", now, out);
    case RunnerState::Due::mute:
      return lose(it, "it was told to end and said nothing for " + seconds(now - it->second.state.last_heard()), now,
                  out);
  }
}

void PoolPolicy::stop_serving(RunnerId id, Runner& runner, Duration limit, Instant now) {
  close(id, runner);
  runner.state.drain(now, limit);
  rearm(id, runner);
}

void PoolPolicy::tell_to_drain(RunnerId id, Runner& runner, Duration grace, Instant now, Actions& out) {
  stop_serving(id, runner, after_bye(grace), now);
  out.push_back(action::DrainRunner{id, grace});
}

void PoolPolicy::slot_freed(RunnerId id, Instant now, Actions& out) {
  if (scheduler_.leases(id) > 0) return;
  auto it = runners_.find(id);
  it->second.state.became_idle(now);
  if (it->second.state.has_exited())
    lose(it, it->second.end_reason, now, out);
  else if (single_use_)
    tell_to_drain(id, it->second, lifetimes_.shutdown_timeout(), now, out);
  else
    generations_.fell_idle(id);
}

void PoolPolicy::rearm(RunnerId id, Runner& runner) {
  timers_.disarm(runner.timer);
  const bool asks_log = runner.state.is_booting() && !runner.log_asked;
  runner.timer = timers_.arm(id, std::min(runner.state.deadline(), asks_log ? runner.state.boot().log_at() : kNever));
}

PoolPolicy::Runner* PoolPolicy::alive(RunnerId id, Instant now, Actions& out) {
  auto it = runners_.find(id);
  if (it == runners_.end() || it->second.state.is_booting()) return nullptr;
  if (it->second.state.heard(now)) speaks_again(id, it->second, now, out);
  return &it->second;
}

// It may stand in a debugger: what it has, it keeps, and nobody else is sent there.
void PoolPolicy::fall_quiet(RunnerId id, Runner& runner, Actions& out) {
  runner.state.fall_quiet();
  if (scheduler_.is_open(id)) {
    close(id, runner);
    runner.hushed = true;
    ++hushed_;
    runner.idle_hushed = scheduler_.leases(id) == 0;  // until it is heard: it gets none, and only it can end one
    idle_hushed_ += runner.idle_hushed ? 1 : 0;
  }
  out.push_back(action::Quiet{id, true, runner.state.last_heard()});
  rearm(id, runner);
}

// For good, unless fall_quiet() does it.
void PoolPolicy::close(RunnerId id, Runner& runner) {
  if (scheduler_.close_runner(id)) {
    --serving_;
    generations_.closed(id);
  }
  unhush(runner);
}

bool PoolPolicy::unhush(Runner& runner) noexcept {
  if (std::exchange(runner.idle_hushed, false)) --idle_hushed_;
  if (!std::exchange(runner.hushed, false)) return false;
  --hushed_;
  return true;
}

void PoolPolicy::speaks_again(RunnerId id, Runner& runner, Instant now, Actions& out) {
  if (unhush(runner)) {
    scheduler_.open_runner(id);
    ++serving_;
    generations_.opened(id, now);
  }
  out.push_back(action::Quiet{id, false, runner.state.last_heard()});
  rearm(id, runner);
}

}  // namespace flame::pool
