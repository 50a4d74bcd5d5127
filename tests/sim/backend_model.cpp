// BackendModel: boots, destruction, exits.
#include "tests/sim/backend_model.hpp"

#include <utility>

#include "plugin_sdk/wire/envelope.hpp"

namespace flame::sim {

using namespace std::chrono_literals;

void BackendModel::boot(pool::RunnerKey key, const std::string&, BootRequest request) {
  const RunnerId id = key.second;
  const auto bytes = request.descriptor->bytes({.ipc = sim_.plan.local, .addresses = {}});
  if (bytes.has_error()) return sim_.findings.broken("a host cannot say where its runner dials");
  auto parent = wire::decode_parent(*bytes);
  if (parent.has_error()) return sim_.findings.broken("a runner cannot read what its host tells it");
  Machine& machine = machines_[id];
  machine.runner = std::make_unique<RunnerModel>(sim_, id, std::move(*parent), network_, [this, id] { exited(id); });
  const Plan& plan = sim_.plan;
  if (sim_.trouble(plan.failed_boots || plan.permanent_failures, 40)) return boot_fails(id);
  const Duration slow = 2 * plan.pool.boot_timeout;
  const Duration takes =
      sim_.trouble(plan.slow_boots, 30) ? sim_.chance.between(10ms, slow) : sim_.chance.skewed(2ms, 500ms);
  const Duration answered = sim_.chance.between(1ms, takes + 300ms);
  sim_.agenda.in(answered, [this, id] { answers(id); });
  if (!sim_.trouble(plan.silent_boots, 20)) sim_.agenda.in(takes, [this, id] { starts(id); });
}

const BackendTraits& BackendModel::traits(const std::string&) const {
  static constexpr BackendTraits kHere{.same_kernel = true, .same_files = true};
  static constexpr BackendTraits kFar;
  return sim_.plan.local ? kHere : kFar;
}

void BackendModel::boot_fails(RunnerId id) {
  const bool permanent = sim_.plan.permanent_failures && (!sim_.plan.failed_boots || sim_.chance.one_in(2));
  sim_.agenda.in(sim_.chance.skewed(1ms, 2 * sim_.plan.pool.boot_timeout), [this, id, permanent] {
    machines_.at(id).exited = true;
    if (!machines_.at(id).destroyed) host_->on_boot(id, true, permanent);
  });
}

void BackendModel::starts(RunnerId id) {
  Machine& machine = machines_.at(id);
  if (machine.exited) return;
  machine.runner->start();
  if (sim_.trouble(sim_.plan.dead_boots, 20)) machine.runner->kill();
}

void BackendModel::answers(RunnerId id) {
  Machine& machine = machines_.at(id);
  machine.answered = true;
  if (machine.destroyed) {
    kill(id);
    if (sim_.chance.one_in(2)) return;  // whether the pool hears of it or not
  }
  host_->on_boot(id, false, false);
  if (machine.exited) report_exit(id);
}

void BackendModel::destroy(pool::RunnerKey key) {
  const RunnerId id = key.second;
  Machine& machine = machines_.at(id);
  machine.destroyed = true;
  if (!machine.answered || sim_.trouble(sim_.plan.lost_destroys, 50)) return;
  sim_.agenda.in(sim_.chance.skewed(100us, 300ms), [this, id] { kill(id); });
}

void BackendModel::kill(RunnerId id) {
  Machine& machine = machines_.at(id);
  if (machine.runner->exists())
    machine.runner->kill();
  else
    machine.exited = true;  // it never starts
}

void BackendModel::exited(RunnerId id) {
  Machine& machine = machines_.at(id);
  machine.exited = true;
  if (machine.answered) report_exit(id);
}

void BackendModel::report_exit(RunnerId id) {
  if (sim_.trouble(sim_.plan.late_exits, 30)) return;  // never
  const Duration late = sim_.trouble(sim_.plan.late_exits, 50) ? Duration(5s) : Duration(5ms);
  sim_.agenda.in(sim_.chance.skewed(0s, late), [this, id] { host_->on_exit(id); });
}

std::vector<RunnerModel*> BackendModel::running() const {
  std::vector<RunnerModel*> runners;
  for (const auto& [id, machine] : machines_)
    if (machine.runner->exists()) runners.push_back(machine.runner.get());
  return runners;
}

void BackendModel::thaw_all() {
  for (const auto& [id, machine] : machines_) machine.runner->thaw();
}

}  // namespace flame::sim
