// Troubles: each kind, and which runner it may cost.
#include "tests/sim/troubles.hpp"

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
  if (plan.lost_beats) every(4s, runners(&Troubles::lose_beats));
  if (plan.sigterms) every(8s, runners(&Troubles::sigterm));
  if (plan.full_sockets)
    every(1s, [this] { host_.park_some_socket(sim_.agenda.now() + sim_.chance.skewed(1ms, 900ms)); });
}

void Troubles::end() {
  sim_.calm = true;
  for (RunnerModel* runner : backend_.running()) network_.heal(runner->id());
  backend_.thaw_all();
}

void Troubles::every(Duration mean, std::function<void()> trouble) {
  sim_.agenda.in(sim_.chance.between(mean / 20, 2 * mean), [this, mean, trouble = std::move(trouble)]() mutable {
    if (sim_.calm) return;
    trouble();
    every(mean, std::move(trouble));
  });
}

void Troubles::on_some_runner(const std::function<void(RunnerModel&)>& trouble) {
  std::vector<RunnerModel*> runners = backend_.running();
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
  if (sim_.chance.one_in(2))
    runner.kill();
  else
    runner.vanish();
}

void Troubles::disconnect(RunnerModel& runner) {
  if (runner.link() == nullptr) return;
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
  excuse_if_long(runner, duration);
  runner.freeze();
  sim_.agenda.in(duration, [&runner] { runner.thaw(); });
}

void Troubles::lose_beats(RunnerModel& runner) {
  const Duration duration = sim_.chance.between(1s, kMustSurvive);
  if (runner.link() == nullptr || occupied(runner, duration)) return;
  runner.link()->lose_beats(sim_.agenda.now() + duration);
}

void Troubles::sigterm(RunnerModel& runner) {
  if (std::exchange(terminated_[runner.id()], true)) return;
  runner.sigterm();
  // What is still running when its grace is over may go down with it.
  sim_.agenda.in(sim_.plan.pool.shutdown_timeout, [this, id = runner.id()] { sim_.ledger.excuse(id); });
  if (occupied_until_[runner.id()] > sim_.agenda.now()) sim_.ledger.excuse(runner.id());
}

}  // namespace flame::sim
