// PoolPolicy: calls, and the steps that follow every event (expire, dispatch, grow, shed, drain).
#include "host/src/policy/pool_policy.hpp"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "plugin_sdk/base/assert.hpp"
#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/make_error.hpp"

namespace flame::pool {

namespace {

Scheduler::Options scheduler_options(const PoolConfig& config) {
  return {config.max_concurrency, config.strategy, config.single_use};
}

Elastic::Options elastic_options(const PoolConfig& config, const PoolPolicy::Options& options) {
  const std::uint32_t capacity = config.single_use ? 1 : config.max_concurrency;
  return {.min = config.min,
          .max = config.max,
          .capacity = capacity,
          .warm = config.warm,
          .idle = config.idle_shutdown_after,
          .min_idle = config.min_idle_shutdown_after,
          .nested = options.nested};
}

Error shutting_down() {
  return base::make_error(ErrorCode::shutting_down, "the pool is shutting down; stop calling it");
}

Error queue_full(std::uint64_t max_queue) {
  return base::make_error(
      ErrorCode::queue_full,
      std::to_string(max_queue) + " calls wait already (max_queue); shed load, retry later or raise max");
}

}  // namespace

PoolPolicy::PoolPolicy(const PoolConfig& config, std::vector<DigestId> plugins, const Options& options)
    : single_use_(config.single_use),
      threads_(config.isolation == SlotIsolation::thread),
      max_queue_(config.max_queue),
      boot_limits_{.queue = config.queue_timeout, .boot = config.boot_timeout},
      liveness_(options.liveness),
      name_(options.name),
      generations_(std::move(plugins), config.boot_timeout),
      scheduler_(scheduler_options(config)),
      held_(config.max_queue),
      calls_({config.boot_timeout, config.timeout, config.queue_timeout}),
      elastic_(elastic_options(config, options)),
      placement_(config.backend, options.seed, options.room),
      lifetimes_(placement_.size(), config.shutdown_timeout, options.ends_are_told) {}

void PoolPolicy::on(const Event& event, Instant now, Actions& out) {
  placement_.counted();
  const auto take = [&](const auto& one) {
    using Kind = std::remove_cvref_t<decltype(one)>;
    if constexpr (std::is_same_v<Kind, event::Heard>)
      alive(one.runner, now, out);
    else if constexpr (!std::is_same_v<Kind, event::Tick>)
      handle(one, now, out);
  };
  std::visit(take, event);
  advance(now, out);
}

Instant PoolPolicy::next_wakeup() const {
  const Instant drain = calls_.size() > 0 ? drain_by_ : kNever;
  return std::min(
      {calls_.next_deadline(), timers_.next(), unproven_.next(), retry_wakeup_, drain, generations_.next_deadline()});
}

PolicyStats PoolPolicy::stats() const {
  PolicyStats stats = stats_;
  stats.min = elastic_.min();
  stats.max = elastic_.max();
  stats.booting = booting_;
  stats.runners = runner_count() - booting_;
  stats.silent = hushed_;
  stats.draining = stats.runners - serving_ - hushed_;
  stats.waiting = scheduler_.waiting() + held_.waiting();
  stats.waiting_for_turn = held_.waiting();
  stats.slots_busy = static_cast<std::uint32_t>(scheduler_.in_flight());
  stats.slots_held = held_.size();
  return stats;
}

bool PoolPolicy::awaits_result(RunnerId runner, CallId call) const {
  const auto it = runners_.find(runner);
  return it != runners_.end() && !it->second.state.is_booting() && calls_.awaits_result(runner, call);
}

void PoolPolicy::handle(const event::Submit& event, Instant now, Actions& out) {
  ++stats_.submitted;
  if (event.lease != 0) return submit_on_object(event, now, out);
  const CallTable::Queued queued = calls_.submit(event, now);
  std::optional<Error> error = refusal(event.digest, now);
  if (!error) error = lifetimes_.outlives_all(event.budget.value_or(calls_.run_limit()));
  if (error) {
    complete(*calls_.fail(event.call, std::move(*error)), out);
    return;
  }
  elastic_.arrived();
  scheduler_.enqueue(event.call, queued.digest, queued.order);
  generations_.used(queued.digest);
  expire_calls(now, out);
  dispatch(now, out);
  // Only a call that really has to wait can find the queue full.
  if (scheduler_.waiting() > max_queue_ && scheduler_.remove_waiting(event.call))
    complete(*calls_.fail(event.call, queue_full(max_queue_)), out);
  if (scheduler_.waiting() > 0) calls_.waits(event.call, now);
}

void PoolPolicy::handle(const event::Cancel& event, Instant, Actions& out) {
  give_up(calls_.cancel(event.call, event.reason), event.reason, out);
}

void PoolPolicy::handle(const event::Begun& event, Instant now, Actions& out) {
  if (alive(event.runner, now, out)) calls_.begun(event.runner, event.call);
}

void PoolPolicy::handle(const event::Result& event, Instant now, Actions& out) {
  if (!alive(event.runner, now, out)) return;
  // A loop that is late has not told the caller yet that time is over. Its runner knew, and asked the task to stop:
  // what comes from a task that was stopped is no result.
  expire_calls(now, out);
  CallTable::Verdict verdict = calls_.result(event.runner, event.call, event.error);
  const bool succeeds = verdict.outcome && !verdict.outcome->error;
  if (verdict.may_still_run) out.push_back(action::AttemptFailed{event.call, event.runner, *event.error});
  apply(event.call, std::move(verdict), out);
  if (!event.objects.empty()) keep_objects(event, succeeds, out);
}

void PoolPolicy::handle(const event::Ended& event, Instant now, Actions& out) {
  if (!alive(event.runner, now, out) || ended_inside(event, now, out)) return;
  if (!scheduler_.release(event.runner, event.call)) return;
  Runner& runner = runners_.at(event.runner);
  placement_.proved(runner.backend);
  runner.useful = true;
  end_lease(event.call, event.error, out);
  apply(event.call, calls_.ended(event.runner, event.call), out);
  slot_freed(event.runner, now, out);
}

void PoolPolicy::handle(const event::Drain& event, Instant now, Actions&) {
  closed_ = true;
  drain_by_ = std::min(drain_by_, base::deadline_after(now, event.grace));
  elastic_.close();  // else a boot that was put off would bring a runner that nobody ends
}

void PoolPolicy::handle(const event::Resize& event, Instant, Actions&) {
  elastic_.resize(event.min, event.max);
}

void PoolPolicy::handle(const event::Expect& event, Instant now, Actions&) {
  elastic_.expect(event.calls, base::deadline_after(now, event.within));
}

void PoolPolicy::advance(Instant now, Actions& out) {
  // Runners first: a boot that is overdue explains the calls that waited for it.
  while (std::optional<RunnerId> due = timers_.pop_due(now)) check_timer(*due, now, out);
  while (std::optional<RunnerId> due = unproven_.pop_due(now)) proven_dead(*due, out);
  expire_calls(now, out);
  if (closed_ && now >= drain_by_)
    for (CallId call : calls_.all())
      give_up(calls_.fail(call, shutting_down()), wire::CancelReason::shutting_down, out);
  generations_.expire(now);
  follow_versions(now, out);
  dispatch(now, out);
  shed(now, out);
  grow(now, out);
  const PreparedReports::Basis basis{generations_.revision(), booting_, placement_.failing_for_good(now), closed_};
  if (reports_.is_outdated(generations_.versions().candidates(), basis))
    for (DigestId digest : generations_.versions().candidates()) reports_.tell(prepared(digest, now), out);
  if (closed_) drain_pool(now, out);
}

void PoolPolicy::expire_calls(Instant now, Actions& out) {
  if (lifetimes_.take_news()) {
    for (CallId call : scheduler_.oldest_waiters(0, scheduler_.waiting()))
      if (auto error = lifetimes_.outlives_all(base::remaining(calls_.ends_by(call, now), now)))
        give_up(calls_.fail(call, std::move(*error)), wire::CancelReason::cancelled, out);
  }
  const std::optional<Error> none;
  const bool no_runner = runner_count() == booting_;
  while (auto outcome = calls_.expire(now, no_runner ? placement_.last_failure(now) : none)) {
    tell_what_kept_it(*outcome, now);
    give_up(std::move(outcome), wire::CancelReason::timed_out, out);
  }
}

void PoolPolicy::dispatch(Instant now, Actions& out) {
  const bool endless_come = lifetimes_.any_end() && lifetimes_.endless_come(placement_);
  std::optional<Scheduler::Fits> lives_long_enough;  // made where machines end only: this runs after every event
  if (lifetimes_.any_end()) {
    lives_long_enough =
        Scheduler::Fits{.needs = [&](CallId call) { return Lifetimes::needs(calls_.ends_by(call, now), endless_come); },
                        .ends = [&](RunnerId runner) { return runners_.at(runner).state.end(); }};
  }
  while (const auto lease = scheduler_.next(lives_long_enough ? &*lives_long_enough : nullptr)) {
    const CallTable::Attempt attempt = calls_.sent(lease->call, lease->runner, now);
    out.push_back(action::Send{lease->call, lease->runner, attempt.remaining, attempt.number});
    if (single_use_) stop_serving(lease->runner, runners_.at(lease->runner), kForever, now);
  }
}

void PoolPolicy::grow(Instant now, Actions& out) {
  BootTargets targets({scheduler_, calls_, elastic_, lifetimes_}, counts(), placement_, now);
  retry_wakeup_ = kNever;
  for (std::uint32_t i = 0; i < targets.plan().boots; ++i) {
    const std::optional<BackendIndex> backend = targets.next();
    if (!backend) {
      retry_wakeup_ = placement_.wake_at(now);
      break;
    }
    boot(*backend, i < targets.plan().for_min, now, out);
  }
}

void PoolPolicy::boot(BackendIndex backend, bool for_min, Instant now, Actions& out) {
  const RunnerId id = next_runner_++;
  std::vector<DigestId> digests = generations_.boots(id, scheduler_.wanted());
  auto [it, fresh] = runners_.emplace(id, Runner{.state = RunnerState(now, boot_limits_, for_min, liveness_),
                                                 .backend = backend,
                                                 .timer = {},
                                                 .end_reason = {},
                                                 .early = {}});
  FLAME_ASSERT(fresh, "runner ids are not used again");
  rearm(id, it->second);
  ++booting_;
  lifetimes_.asked(backend);
  ++stats_.boots;
  if (!for_min)
    out.push_back(action::Callback{action::Callback::Kind::grow_start, id, backend, runner_count(), {}, {}});
  out.push_back(action::Boot{id, std::move(digests), backend, {}});
}

// The boot goes on as what it was: nobody is told that it has failed.
bool PoolPolicy::boots_elsewhere(Runners::iterator it, const Error& error, Instant now, Actions& out) {
  --booting_;
  Elastic::Counts without = counts();
  ++booting_;
  --without.runners;
  BootTargets targets({scheduler_, calls_, elastic_, lifetimes_}, without, placement_, now);
  if (targets.plan().boots == 0) return false;  // nobody needs it any more
  const std::optional<BackendIndex> backend = targets.next();
  if (!backend) return false;
  auto& [id, runner] = *it;
  lifetimes_.gone(runner.backend);
  lifetimes_.asked(*backend);
  runner.backend = *backend;
  runner.told = kNever;
  runner.early.reset();
  if (runner.state.boot().is_queued()) calls_.machine_placed(now);
  runner.state = RunnerState(now, boot_limits_, runner.state.for_min(), liveness_);
  rearm(id, runner);
  const std::string why = error.message.empty() ? "it has no room" : error.message;
  out.push_back(action::Boot{id, generations_.asked(id), *backend, why});
  return true;
}

// Who waits for what no runner can serve hears of it now.
void PoolPolicy::tell_of_broken(Instant now, Actions& out) {
  for (auto broken = broken_.begin(); broken != broken_.end();) {
    const auto& [digest, story] = *broken;
    const bool served = scheduler_.servers(digest) > 0 || generations_.coming(digest) > 0;
    if (!served && now < story.until) {
      for (CallId call : scheduler_.waiters(digest))
        give_up(calls_.fail(call, story.error), wire::CancelReason::cancelled, out);
    }
    broken = served || now >= story.until ? broken_.erase(broken) : std::next(broken);
  }
}

// What has no user any more is ended; what somebody waits for though it was ended is loaded once more.
void PoolPolicy::follow_versions(Instant now, Actions& out) {
  for (DigestId digest : generations_.leaving()) {
    if (calls_.size(digest) == 0 && scheduler_.in_flight(digest) == 0)
      generations_.end(digest);
    else if (scheduler_.waiting(digest) > 0 && scheduler_.servers(digest) == 0)
      generations_.recall(digest, now);
  }
  for (const RunnerGenerations::Step& step : generations_.take_steps()) {
    const auto runner = runners_.find(step.runner);
    if (runner == runners_.end()) continue;
    const bool told = runner->second.state.phase() == RunnerState::Phase::ready;  // one that leaves ends all it has
    switch (step.kind) {
      case RunnerGenerations::Step::Kind::load:
        if (told) out.push_back(action::Load{step.runner, step.digest});
        break;
      case RunnerGenerations::Step::Kind::serve:
        scheduler_.add_digest(step.runner, step.digest);
        break;
      case RunnerGenerations::Step::Kind::end:
        scheduler_.remove_digest(step.runner, step.digest);
        if (told) out.push_back(action::EndGeneration{step.runner, step.digest});
        break;
      case RunnerGenerations::Step::Kind::gone:
        scheduler_.remove_digest(step.runner, step.digest);
        break;
    }
  }
}

// Idle runners that stand in the way: that a change has left behind, above max after Resize, or without the digest that
// somebody waits for.
void PoolPolicy::shed(Instant now, Actions& out) {
  const auto drain_one = [&] {
    const std::optional<RunnerId> idle = scheduler_.idle_runner();
    if (idle) tell_to_drain(*idle, runners_.at(*idle), lifetimes_.shutdown_timeout(), now, out);
    return idle.has_value();
  };
  for (RunnerId id : generations_.take_unfit()) {
    const auto unfit = runners_.find(id);
    if (unfit == runners_.end() || unfit->second.state.phase() != RunnerState::Phase::ready) continue;
    if (scheduler_.leases(id) == 0) tell_to_drain(id, unfit->second, lifetimes_.shutdown_timeout(), now, out);
  }
  while (serving_ > elastic_.max() && drain_one()) {
  }
  const bool full = runner_count() >= elastic_.max();
  const bool help_is_coming = runner_count() > serving_ + hushed_;
  if (!full || help_is_coming) return;
  bool lacking = false;
  scheduler_.each_waiting([&](DigestId digest, std::uint64_t) {
    // Those that are late for a version that was replaced take turns: a boot for them would outlive them.
    const bool late = generations_.versions().is_superseded(digest) && scheduler_.servers(digest) > 0;
    lacking = lacking || (!late && generations_.coming(digest) == 0);
  });
  const std::optional<RunnerId> idle = scheduler_.idle_runner();
  if (!lacking || !idle) return;
  // Where machines end, one that waits may have no use of the next one either.
  const BootTargets targets({scheduler_, calls_, elastic_, lifetimes_}, counts(), placement_, now);
  if (targets.helps_to_leave(runners_.at(*idle).backend)) drain_one();
}

void PoolPolicy::drain_pool(Instant now, Actions& out) {
  if (calls_.size() > 0) return;
  unproven_.clear();
  if (!std::exchange(emptying_, true)) {
    std::vector<RunnerId> ids;
    for (const auto& [id, runner] : runners_) ids.push_back(id);
    std::ranges::sort(ids);
    for (RunnerId id : ids) {
      auto it = runners_.find(id);
      if (it->second.state.is_booting()) {
        give_boot_up(it, shutting_down(), now, out);
        continue;
      }
      // What it may still run was given up, and is being killed.
      if (held_.leases(id).empty()) it->second.state.expect_goodbye(now);
      tell_to_drain(id, it->second, base::remaining(drain_by_, now), now, out);
    }
  }
  if (runners_.empty() && !std::exchange(drained_, true)) out.push_back(action::Drained{});
}

std::optional<Error> PoolPolicy::refusal(DigestId digest, Instant now) const {
  if (closed_) return shutting_down();
  auto broken = broken_.find(digest);
  if (broken != broken_.end() && now < broken->second.until && scheduler_.servers(digest) == 0) {
    return broken->second.error;
  }
  const bool helpless = scheduler_.servers(digest) == 0 && booting_ == 0;
  if (helpless && placement_.failing_for_good(now)) return placement_.last_failure(now);
  return std::nullopt;
}

void PoolPolicy::give_up(std::optional<CallTable::Outcome> outcome, wire::CancelReason reason, Actions& out) {
  if (!outcome) return;
  scheduler_.remove_waiting(outcome->call);
  const bool waited = held_.remove_waiting(outcome->call);  // for its turn on an object
  const bool half_done = !waited && reason == wire::CancelReason::timed_out;
  const CallId held = half_done ? held_.lease_around(outcome->call).value_or(0) : 0;  // is not used any further
  if (outcome->remote) out.push_back(action::CancelRemote{outcome->call, outcome->runner, reason, held});
  complete(std::move(*outcome), out);
}

void PoolPolicy::complete(CallTable::Outcome outcome, Actions& out) {
  ++(outcome.error ? stats_.failed : stats_.succeeded);
  out.push_back(action::Complete{outcome.call, outcome.runner, std::move(outcome.error)});
}

void PoolPolicy::apply(CallId call, CallTable::Verdict verdict, Actions& out) {
  if (verdict.outcome) complete(std::move(*verdict.outcome), out);
  if (!verdict.retry) return;
  ++stats_.retried;
  scheduler_.enqueue(call, verdict.retry->digest, verdict.retry->order);
}

}  // namespace flame::pool
