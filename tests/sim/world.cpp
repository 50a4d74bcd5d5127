// World: trouble, then calm, then the end; and what must hold at each of them.
#include "tests/sim/world.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <exception>

#include "plugin_sdk/base/limits.hpp"

namespace flame::sim {

using namespace std::chrono_literals;

namespace {

// A failed boot is waited out for 30 s at most, silence is noticed after 15 s.
constexpr Duration kRecovery = 2min;
// More entries in one instant than any world needs.
constexpr std::uint64_t kStandstill = 100'000;

// Thousands of runners would fill the screen; of one world each line counts.
void quiet_unless(bool traced) {
  if (!traced) ::setenv("FLAME_RUNNER_LOG", "error", 0);
}

}  // namespace

World::World(std::uint64_t seed, bool traced)
    : sim_((quiet_unless(traced), seed), traced),
      network_(sim_),
      engines_(sim_, network_),
      host_(sim_, engines_),
      twins_(sim_, engines_),
      callers_(sim_, host_),
      troubles_(sim_, network_, engines_, host_, twins_) {
  network_.set_host(host_);
  engines_.on_known_end([this](RunnerId runner) {
    if (!sim_.plan.host_freezes && !sim_.plan.outages && host_.books().gets_calls(runner))
      sim_.findings.broken("runner ", runner, " was not told to go before the end of its machine");
  });
}

Report World::run() {
  try {
    live();
  } catch (const std::exception& error) {
    sim_.findings.broken("a policy threw: ", error.what());
  }
  return {.broken = sim_.findings.list(),
          .calls = sim_.ledger.tally(),
          .pool = host_.policy().stats(),
          .steps = steps_,
          .fingerprint = fingerprint_};
}

void World::live() {
  const PoolConfig& pool = sim_.plan.pool;
  const auto seconds = [](Duration time) { return std::chrono::duration<double>(time).count(); };
  sim_.findings.note("boot_timeout ", seconds(pool.boot_timeout), ", queue_timeout ", seconds(pool.queue_timeout),
                     ", shutdown_timeout ", seconds(pool.shutdown_timeout), ", ", sim_.plan.backends, " backends");
  host_.start();
  callers_.start();
  troubles_.start();
  run_for(sim_.plan.busy);
  if (sim_.plan.ending == Ending::drain) {
    troubles_.end();
    after_the_storm();
    drain();
    close_machines();
  } else {
    lose_host();
  }
  clean_up();
}

void World::step() {
  sim_.agenda.step();
  host_.hear();
  twins_.hear();
  ++steps_;
  fingerprint_ = fingerprint_ * 1'000'003 + static_cast<std::uint64_t>(sim_.agenda.now().time_since_epoch().count());
  if (!host_.frozen()) sim_.ledger.check_deadlines();
  if (sim_.agenda.at_once() > kStandstill) sim_.findings.broken("time stands still");
}

void World::run_for(Duration time) {
  const Instant end = sim_.agenda.now() + time;
  while (sim_.findings.ok() && sim_.agenda.next() <= end) step();
  sim_.agenda.skip_to(end);
}

template <class Condition>
bool World::run_until(Condition done, Duration patience) {
  const Instant end = sim_.agenda.now() + patience;
  while (sim_.findings.ok() && !done()) {
    if (sim_.agenda.next() > end) return false;
    step();
  }
  return sim_.findings.ok();
}

// Nothing is in the way any more: the minimum comes up again, and calls succeed.
void World::after_the_storm() {
  // A task that hangs for a caller without a limit would keep its slot for ever.
  for (const CallId call : sim_.ledger.all_open())
    if (sim_.ledger.patient(call)) host_.cancel(call);
  callers_.let_go_of_all();
  if (!run_until([this] { return sim_.ledger.open() == 0; }, kRecovery) && sim_.findings.ok())
    sim_.findings.broken(sim_.ledger.open(), " calls stay open though every caller had a limit");
  if (sim_.plan.updates) change_once_more();
  probe();
  check_minimum();
  check_machines();
}

// Also those that could not be destroyed at first.
void World::check_machines() {
  const auto needless = [this] {
    const pool::PolicyStats stats = host_.policy().stats();
    return engines_.machines_of(Engines::kHost).size() > std::uint64_t{stats.runners} + stats.booting;
  };
  if (!run_until([&] { return !needless(); }, kRecovery) && sim_.findings.ok())
    sim_.findings.broken("a machine stays that no runner of the pool has");
}

// Every change is answered, one more succeeds, and nothing stays of what was before.
void World::change_once_more() {
  if (!run_until([this] { return host_.versions().unanswered() == 0; }, kRecovery) && sim_.findings.ok())
    sim_.findings.broken(host_.versions().unanswered(), " changes of versions are not answered");
  const Plan& plan = sim_.plan;
  const bool may_fail = !plan.local || plan.old_runners || plan.broken_plugins || plan.permanent_failures;
  const DigestId next = (host_.versions().active() + 1) % versions(plan);
  const std::uint64_t change = host_.versions().activate(next, {0, 1}, 2 * kRecovery);
  if (!run_until([&] { return host_.versions().outcome(change).has_value(); }, 3 * kRecovery)) {
    if (sim_.findings.ok()) sim_.findings.broken("change ", change, " is not answered");
    return;
  }
  const ErrorCode code = *host_.versions().outcome(change);
  if (code != ErrorCode::none && !may_fail)
    sim_.findings.broken("change ", change, " failed with ", to_string(code), " though nothing is in its way");
  if (code == ErrorCode::timed_out) sim_.findings.broken("change ", change, " waits for what does not come");
  if (!plan.old_runners && !run_until([this] { return old_versions_are_gone(); }, kRecovery) && sim_.findings.ok())
    sim_.findings.broken("a runner has kept an old version");
}

bool World::old_versions_are_gone() {
  return std::ranges::all_of(engines_.running(), [this](const RunnerModel* runner) {
    return std::ranges::all_of(runner->digests(), [this](DigestId digest) {
      return !is_version(sim_.plan, digest) || digest == host_.versions().active();
    });
  });
}

void World::probe() {
  for (const DigestId digest : all_digests(sim_.plan)) {
    if (is_version(sim_.plan, digest) && digest != host_.versions().active()) continue;
    int lost = 0;
    while (sim_.findings.ok() && lost < 10 && probe(digest) != ErrorCode::none) ++lost;
  }
}

// A runner that went before may only now be found lost; a deaf thread takes others of its process along.
ErrorCode World::probe(DigestId digest) {
  const CallId call = callers_.probe(digest);
  if (!run_until([&] { return sim_.ledger.answer(call).has_value(); }, 5 * kRecovery)) {
    if (sim_.findings.ok()) sim_.findings.broken("call ", call, " is not served though nothing is in its way");
    return ErrorCode::timed_out;
  }
  const ErrorCode code = *sim_.ledger.answer(call);
  const bool threads = sim_.plan.pool.isolation == SlotIsolation::thread;
  const bool excused = code == ErrorCode::none || code == ErrorCode::runner_lost ||
                       (code == ErrorCode::crashed && threads) ||
                       (code == ErrorCode::task_failed &&
                        sim_.ledger.was_stopped(call, runner::StopCause::shutting_down)) ||  // SIGTERM came before it
                       (code == ErrorCode::incompatible && sim_.plan.broken_plugins) ||
                       (code == ErrorCode::boot_failed && sim_.plan.permanent_failures);
  if (!excused) sim_.findings.broken("call ", call, " failed with ", to_string(code), " though nothing is in its way");
  return code;
}

void World::check_minimum() {
  if (sim_.plan.pool.min_idle_shutdown_after != kForever) return;  // it may have gone again
  const auto serving = [this] {
    const pool::PolicyStats stats = host_.policy().stats();
    return stats.runners - stats.draining;
  };
  if (!run_until([&] { return serving() >= host_.books().watch().min(); }, kRecovery) && sim_.findings.ok())
    sim_.findings.broken("the minimum did not come back: ", serving(), " of ", host_.books().watch().min());
}

void World::drain() {
  if (!sim_.findings.ok()) return;
  const Duration grace = sim_.chance.between(0s, 20s);
  const bool changes = sim_.plan.updates && sim_.chance.one_in(2);
  if (changes) static_cast<void>(host_.versions().activate(0, {0, 1}, 10s));
  if (changes && sim_.chance.one_in(2)) host_.versions().shut_down();
  host_.drain(grace);
  // Runners that were told to go have a moment more than the grace for their goodbye.
  if (!run_until([this] { return host_.books().drained(); }, grace + limits::kByeWait) && sim_.findings.ok())
    sim_.findings.broken("the pool did not drain in time");
  if (!run_until([this] { return engines_.running().empty(); }, kRecovery) && sim_.findings.ok())
    sim_.findings.broken("a runner outlives its pool");
  if (!sim_.findings.ok()) return;
  const pool::PolicyStats stats = host_.policy().stats();
  if (sim_.ledger.open() > 0) sim_.findings.broken(sim_.ledger.open(), " calls were never answered");
  if (sim_.ledger.running() > 0) sim_.findings.broken(sim_.ledger.running(), " tasks run on");
  if (stats.waiting + stats.slots_busy + stats.runners + stats.booting > 0)
    sim_.findings.broken("something stays booked: ", stats.waiting, " wait, ", stats.slots_busy, " slots, ",
                         stats.runners + stats.booting, " runners");
  if (sim_.ledger.held() > 0)
    sim_.findings.broken("nobody was told that the objects of ", sim_.ledger.held(), " calls are gone");
  host_.versions().shut_down();
  if (host_.versions().unanswered() > 0)
    sim_.findings.broken(host_.versions().unanswered(), " changes of versions were never answered");
  if (host_.policy().next_wakeup() != kNever) sim_.findings.broken("a timer is left");
}

// Without a host every runner ends by itself: linked work at once, the rest after its grace.
void World::lose_host() {
  if (!sim_.findings.ok()) return;
  sim_.findings.note("the host is gone");
  host_.die();
  engines_.on_known_end({});  // nobody is there to tell a runner
  sim_.ledger.host_is_gone();
  network_.lose_host(sim_.plan.ending == Ending::host_dies);
  troubles_.end();
  const Duration noticed = std::max<Duration>(limits::kHostSilence, limits::kFailsafe) + limits::kBeatInterval;
  const PoolConfig& pool = sim_.plan.pool;
  const Duration most = noticed + pool.shutdown_timeout + 2 * (pool.queue_timeout + pool.boot_timeout) + 10s;
  if (!run_until([this] { return engines_.running().empty(); }, most) && sim_.findings.ok())
    sim_.findings.broken("a runner outlives its host");
  run_until([] { return false; }, most);
  if (!engines_.running().empty()) sim_.findings.broken("a runner started after the end of its host and stays");
  if (sim_.ledger.running() > 0) sim_.findings.broken(sim_.ledger.running(), " tasks run on");
}

// What it could not end, it has said.
void World::close_machines() {
  if (!sim_.findings.ok()) return;
  const Duration most = limits::kBackendCloseMax + pool::Machines::kLastWord;
  if (!run_until([this] { return host_.close_machines(); }, most) && sim_.findings.ok())
    sim_.findings.broken("backends do not close in time");
  const bool could = !sim_.plan.lost_destroys;
  if (const auto left = engines_.machines_of(Engines::kHost); could && !left.empty())
    sim_.findings.broken(left.size(), " machines are left, ", left.front(), " first");
  host_.die();
}

// All hosts are gone. The next one of their name finds what they have left, and destroys it.
void World::clean_up() {
  twins_.end();
  if (!sim_.findings.ok() || engines_.machines() == 0) return;
  const Duration lists = 5 * Duration(limits::kReapEvery);
  twins_.begin_one();
  if (!run_until([this] { return engines_.machines() == 0; }, engines_.rules().boot_max() + lists) &&
      sim_.findings.ok())
    sim_.findings.broken(engines_.machines(), " machines of hosts that are gone stay");
}

}  // namespace flame::sim
