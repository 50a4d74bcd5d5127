// Troubles: each kind, and which runner it may cost.
#include "tests/sim/troubles.hpp"

#include <algorithm>
#include <utility>

namespace flame::sim {

using namespace std::chrono_literals;

namespace {

// Beats each second and silence limits of 10 s and more leave room for this, with every delay that a plan may have.
constexpr Duration kMustSurvive = 4s;
constexpr Duration kPause = 5s;

}  // namespace

void Troubles::start() {
  const Plan& plan = sim_.plan;
  const auto runners = [this](void (Troubles::*trouble)(RunnerModel&)) {
    return [this, trouble] { on_some_runner([this, trouble](RunnerModel& runner) { (this->*trouble)(runner); }); };
  };
  if (plan.crashes) every(8s, runners(&Troubles::crash));
  if (plan.disconnects) every(8s, runners(&Troubles::disconnect));
  if (plan.partitions) every(6s, runners(&Troubles::partition));
  if (plan.freezes) every(6s, runners(&Troubles::freeze));
  if (plan.host_freezes) every(12s, [this] { freeze_host(); });
  if (plan.lost_beats) every(4s, runners(&Troubles::lose_beats));
  if (plan.sigterms) every(8s, runners(&Troubles::sigterm));
  if (plan.outages) every(15s, [this] { outage(); });
  if (plan.end_notices) every(8s, [this] { engines_.announce_some_end(); });
  if (plan.poor_lists) every(20s, [this] { engines_.spoil_lists(); });
  if (plan.lies) every(2s, [this] { engines_.lie(); });
  if (plan.twins) every(3s, [this] { twins_.act(); });
  if (plan.full_sockets)
    every(1s, [this] { host_.park_some_socket(sim_.agenda.now() + sim_.chance.skewed(1ms, 900ms)); });
}

void Troubles::end() {
  sim_.calm = true;
  engines_.be_down(false);
  for (RunnerModel* runner : engines_.running()) network_.heal(runner->id());
  engines_.thaw_all();
  host_.thaw();
}

void Troubles::every(Duration mean, std::function<void()> trouble) {
  sim_.agenda.in(sim_.chance.between(mean / 20, 2 * mean), [this, mean, trouble = std::move(trouble)]() mutable {
    if (sim_.calm) return;
    trouble();
    every(mean, std::move(trouble));
  });
}

void Troubles::on_some_runner(const std::function<void(RunnerModel&)>& trouble) {
  std::vector<RunnerModel*> runners = engines_.running();
  if (!runners.empty()) trouble(*sim_.chance.pick(runners));
}

void Troubles::excuse_if_long(RunnerModel& runner, Duration duration) {
  if (duration > kMustSurvive || terminated_[runner.id()]) sim_.ledger.excuse(runner.id());
}

bool Troubles::occupied(const RunnerModel& runner, Duration duration) {
  Instant& until = occupied_until_[runner.id()];
  if (sim_.agenda.now() < until) return true;
  until = sim_.agenda.now() + duration + kPause;
  return false;
}

void Troubles::crash(RunnerModel& runner) {
  if (sim_.plan.local || sim_.chance.one_in(2))
    runner.kill();
  else
    runner.vanish();
}

void Troubles::disconnect(RunnerModel& runner) {
  // Not one that stands still: it would have to learn of it by its silence, which it does not trust then.
  if (runner.link() == nullptr || occupied(runner, kPause)) return;
  sim_.findings.note("    runner ", runner.id(), " is disconnected");
  sim_.ledger.excuse(runner.id());
  runner.link()->sever();
}

void Troubles::partition(RunnerModel& runner) {
  const Duration duration = sim_.chance.skewed(50ms, 60s);
  if (occupied(runner, duration)) return;
  excuse_if_long(runner, duration);
  network_.partition(runner.id());
  sim_.agenda.in(duration, [this, id = runner.id()] { network_.heal(id); });
}

void Troubles::freeze(RunnerModel& runner) {
  const Duration duration = sim_.chance.skewed(50ms, 60s);
  if (occupied(runner, duration)) return;
  if (!sim_.plan.local) excuse_if_long(runner, duration);
  runner.freeze();
  sim_.agenda.in(duration, [&runner] { runner.thaw(); });
}

// Alone it costs no local runner, and together with them none at all.
void Troubles::freeze_host() {
  if (host_.frozen()) return;
  const Duration duration = sim_.chance.skewed(50ms, 60s);
  const std::vector<RunnerModel*> runners = engines_.running();
  if (std::ranges::any_of(runners, [this](auto* runner) { return sim_.agenda.now() < occupied_until_[runner->id()]; }))
    return;
  const bool together = sim_.chance.one_in(2);
  for (RunnerModel* runner : runners) {
    static_cast<void>(occupied(*runner, duration));
    if (terminated_[runner->id()] || (!together && !sim_.plan.local)) excuse_if_long(*runner, duration);
    if (together) runner->freeze();
  }
  host_.freeze();
  sim_.agenda.in(duration, [this, runners, together] {
    const bool host_first = sim_.chance.one_in(2);
    if (host_first) host_.thaw();
    for (RunnerModel* runner : runners)
      if (together) runner->thaw();
    host_.thaw();
  });
}

void Troubles::lose_beats(RunnerModel& runner) {
  const Duration duration = sim_.chance.between(1s, kMustSurvive);
  if (runner.link() == nullptr || occupied(runner, duration)) return;
  runner.link()->lose_beats(sim_.agenda.now() + duration);
}

void Troubles::sigterm(RunnerModel& runner) {
  if (std::exchange(terminated_[runner.id()], true)) return;
  if (host_.frozen()) sim_.ledger.excuse(runner.id());  // it does not wait for ever for its leave
  runner.sigterm();
  // What is still running when its grace is over may go down with it.
  sim_.agenda.in(sim_.plan.pool.shutdown_timeout, [this, id = runner.id()] { sim_.ledger.excuse(id); });
  if (occupied_until_[runner.id()] > sim_.agenda.now()) sim_.ledger.excuse(runner.id());
}

void Troubles::outage() {
  engines_.be_down(true);
  sim_.agenda.in(sim_.chance.skewed(100ms, 20s), [this] { engines_.be_down(false); });
}

}  // namespace flame::sim
