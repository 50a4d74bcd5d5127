// PolicyWatch: the rules about counts.
#include "tests/sim/watch.hpp"

#include <algorithm>
#include <utility>

namespace flame::sim {

namespace {

std::uint64_t minus(std::uint64_t a, std::uint64_t b) {
  return a > b ? a - b : 0;
}

template <class Kind>
std::uint64_t count(const pool::Actions& actions) {
  return static_cast<std::uint64_t>(std::count_if(
      actions.begin(), actions.end(), [](const auto& action) { return std::holds_alternative<Kind>(action); }));
}

}  // namespace

PolicyWatch::PolicyWatch(Context& sim)
    : sim_(sim),
      capacity_(sim.plan.pool.single_use ? 1 : sim.plan.pool.max_concurrency),
      min_(sim.plan.pool.min),
      max_(sim.plan.pool.max),
      in_trouble_(sim.plan.backends) {}

std::uint64_t PolicyWatch::runners_for(std::uint64_t calls) const {
  return (calls + capacity_ - 1) / capacity_;
}

// For those that wait, silent runners without work do not count.
std::uint64_t PolicyWatch::most(const HostCounts& world) const {
  return max_ + std::min<std::uint64_t>(world.idle_silent, max_);
}

void PolicyWatch::after(const pool::Event& event, const pool::Actions& actions, const pool::PoolPolicy& policy,
                        const HostCounts& world) {
  pool::PolicyStats stats = policy.stats();
  stats.waiting -= stats.waiting_for_turn;  // no runner can help those
  if (count<pool::action::Admit>(actions) > 0) {
    no_boot_before_ = Instant{};
    failing_ = false;
  }
  remember_trouble(event, actions);
  if (sim_.plan.backends == 1 && count<pool::action::Boot>(actions) > 0 && sim_.agenda.now() < no_boot_before_)
    sim_.findings.broken("no time between a failed boot and the next");
  remember(event, stats);
  check_back_off(stats, policy.placement().next_retry(sim_.agenda.now()));
  check_counts(stats, world);
  if (count<pool::action::Boot>(actions) > 0) check_boots(stats, world);
  check_growth(stats, world);
  check_permanent_failure(event, stats, world);
  if (!std::holds_alternative<pool::event::Submit>(event) || count<pool::action::Complete>(actions) == 0)
    check_minimum(event, stats);
  if (policy.next_wakeup() <= sim_.agenda.now()) sim_.findings.broken("a timer is due and stays due");
}

void PolicyWatch::remember(const pool::Event& event, const pool::PolicyStats& stats) {
  if (const auto* resize = std::get_if<pool::event::Resize>(&event)) {
    min_ = resize->min;
    max_ = resize->max;
  } else if (const auto* expect = std::get_if<pool::event::Expect>(&event)) {
    expected_ = expect->calls;
    expected_until_ = deadline_after(sim_.agenda.now(), expect->within);
  } else if (std::holds_alternative<pool::event::Drain>(event)) {
    draining_ = true;
  } else if (std::holds_alternative<pool::event::Prepare>(event)) {
    changing_ = true;
  } else if (std::holds_alternative<pool::event::Switch>(event) ||
             std::holds_alternative<pool::event::Abandon>(event)) {
    changing_ = false;
  }
  if (stats.boots_failed == before_.boots_failed) return;
  // Boots that fail together are one failure, as is one that fails while others are put off.
  const Instant now = sim_.agenda.now();
  if (!std::exchange(failing_, true) && now >= backing_off_until_)
    no_boot_before_ = deadline_after(now, pool::BackOff::kFirst);
}

void PolicyWatch::remember_trouble(const pool::Event& event, const pool::Actions& actions) {
  const auto went_wrong = [this](RunnerId runner) {
    if (const auto at = runners_.find(runner); at != runners_.end())
      in_trouble_[at->second.backend] = sim_.agenda.now();
  };
  if (const auto* failed = std::get_if<pool::event::BootFailed>(&event)) went_wrong(failed->runner);
  had_reason_ = had_reason_ || std::holds_alternative<pool::event::BootFailed>(event);
  if (const auto* ends = std::get_if<pool::event::MachineEnds>(&event))
    had_reason_ = had_reason_ || ends->left != kForever;
  if (const auto* lost = std::get_if<pool::event::RunnerLost>(&event)) went_wrong(lost->runner);
  if (const auto* exited = std::get_if<pool::event::MachineExited>(&event)) went_wrong(exited->runner);
  for (const pool::Action& action : actions) {
    if (const auto* boot = std::get_if<pool::action::Boot>(&action)) runners_[boot->runner] = {boot->backend};
    if (const auto* admit = std::get_if<pool::action::Admit>(&action)) runners_.at(admit->runner).admitted = true;
    const auto* destroy = std::get_if<pool::action::Destroy>(&action);
    if (destroy == nullptr) continue;
    if (const auto at = runners_.find(destroy->runner); at != runners_.end() && !at->second.admitted)
      went_wrong(destroy->runner);
    runners_.erase(destroy->runner);
  }
}

// What one backend has failed at stops no other.
bool PolicyWatch::may_wait() const {
  if (sim_.plan.backends == 1) return sim_.agenda.now() < backing_off_until_;
  for (std::size_t i = sim_.plan.machines_max > 0 ? 1 : 0; i < in_trouble_.size(); ++i)
    if (in_trouble_[i] == Instant{} || sim_.agenda.now() > in_trouble_[i] + pool::BackOff::kMax * 5 / 4) return false;
  return true;
}

// The pool may put boots off, but not for no reason and not for long.
void PolicyWatch::check_back_off(const pool::PolicyStats& stats, Instant until) {
  backing_off_until_ = until == kNever ? Instant{} : until;
  if (until == kNever) return;
  if (!had_reason_ && stats.boots_failed == 0 && stats.runners_lost < 2)
    sim_.findings.broken("boots are put off for no reason");
  if (until > deadline_after(sim_.agenda.now(), pool::BackOff::kMax * 5 / 4))
    sim_.findings.broken("boots are put off for too long");
}

void PolicyWatch::check_counts(const pool::PolicyStats& stats, const HostCounts& world) {
  Findings& findings = sim_.findings;
  if (stats.slots_busy != world.leases)
    findings.broken(stats.slots_busy, " slots are booked, ", world.leases, " are used");
  if (stats.runners + stats.booting != world.machines)
    findings.broken(stats.runners + stats.booting, " runners are counted, there are ", world.machines);
  const std::uint64_t serving = stats.runners - stats.draining - stats.silent;
  if (serving != world.serving) findings.broken(serving, " runners are said to take calls, ", world.serving, " do");
  if (stats.succeeded + stats.failed != sim_.ledger.answered()) findings.broken("answers are not counted");
  if (stats.waiting > sim_.plan.pool.max_queue + stats.retried) findings.broken("the queue is longer than max_queue");
}

// Who waits must not find out by waiting.
void PolicyWatch::check_permanent_failure(const pool::Event& event, const pool::PolicyStats& stats,
                                          const HostCounts& world) {
  const auto* failed = std::get_if<pool::event::BootFailed>(&event);
  // Another one that booted then could have helped, though its time is up in the same step.
  const bool alone = stats.runners == stats.draining + stats.silent && stats.booting == 0 && before_.booting == 1;
  if (sim_.plan.backends == 1 && failed != nullptr && failed->remedy == Remedy::permanent && alone &&
      stats.boots_failed > before_.boots_failed && unhelped(stats, world) > 0)
    sim_.findings.broken(stats.waiting, " wait and are not told that boots fail for good");
}

// Nobody boots a machine that no waiter, minimum or hint asks for, nor beyond max.
void PolicyWatch::check_boots(const pool::PolicyStats& stats, const HostCounts& world) {
  if (stats.runners + stats.booting > most(world))
    sim_.findings.broken("booted beyond max: ", stats.runners + stats.booting, " of ", most(world));
  const std::uint64_t serving = stats.runners - stats.draining - stats.silent;
  const std::uint64_t expected = sim_.agenda.now() < expected_until_ ? expected_ : 0;
  const std::uint64_t ahead = draining_ ? 0 : sim_.plan.pool.warm + expected;
  // With new plugins about, what boots already may have been asked for others.
  const std::uint64_t for_waiting = runners_for(stats.waiting) + (sim_.plan.updates ? before_.booting : 0);
  const std::uint64_t for_minimum = minus(draining_ ? 0 : min_, serving);
  const std::uint64_t for_ahead = ahead == 0 ? 0 : runners_for(minus(stats.waiting + ahead, world.free));
  const std::uint64_t for_change = changing_ && !draining_ ? 1 : 0;
  const std::uint64_t asked = std::max({for_waiting, for_minimum, for_ahead, for_change});
  if (stats.booting > asked)
    sim_.findings.broken("booted for nobody: ", stats.booting, " boot, ", stats.waiting, " wait, ", serving, " serve");
}

// Who waits for a version that is being loaded, or for the room that another one leaves, is being helped.
std::uint64_t PolicyWatch::unhelped(const pool::PolicyStats& stats, const HostCounts& world) const {
  return minus(stats.waiting, world.changing * capacity_);
}

// Level-triggered: whatever has happened, who waits is being helped as far as max allows.
void PolicyWatch::check_growth(const pool::PolicyStats& stats, const HostCounts& world) {
  // Where machines end, one that waits may be helped by none of those that the pool could boot now.
  if (may_wait() || sim_.plan.lifetime != kForever) return;
  const std::uint64_t room = minus(max_, std::uint64_t{stats.runners} + stats.booting);
  const std::uint64_t room_for_waiting = minus(most(world), std::uint64_t{stats.runners} + stats.booting);
  const std::uint64_t waiting = unhelped(stats, world);
  if (room_for_waiting > 0 && stats.booting < runners_for(waiting))
    sim_.findings.broken(stats.waiting, " wait, ", stats.booting, " boot and there is room for ", room_for_waiting,
                         " more");
  const std::uint64_t warm = draining_ ? 0 : sim_.plan.pool.warm;
  if (room > 0 && warm > 0 && world.free + std::uint64_t{stats.booting} * capacity_ < waiting + warm)
    sim_.findings.broken("not enough slots are kept ahead: ", world.free, " are free, ", stats.booting,
                         " runners boot");
}

void PolicyWatch::check_minimum(const pool::Event& event, const pool::PolicyStats& stats) {
  const auto* submit = std::get_if<pool::event::Submit>(&event);
  const bool asks_for_a_slot = submit != nullptr && submit->lease == 0;
  const bool may_have_left = sim_.plan.pool.min_idle_shutdown_after != kForever && !asks_for_a_slot;
  if (draining_ || may_have_left || may_wait() || sim_.plan.lifetime != kForever) return;
  const std::uint64_t coming = std::uint64_t{stats.runners} - stats.draining - stats.silent + stats.booting;
  if (coming < min_ && stats.runners + stats.booting < max_)
    sim_.findings.broken("the minimum is not kept up: ", coming, " of ", min_);
}

}  // namespace flame::sim
