// Engines: fates, runners, and what goes wrong with an engine itself.
#include "tests/sim/engines.hpp"

#include <algorithm>
#include <utility>

#include "plugin_sdk/wire/envelope.hpp"

namespace flame::sim {

using namespace std::chrono_literals;

namespace {

// What a host is told so long before it can act on.
constexpr Duration kKnownEarly = 2s;

}  // namespace

Engines::Engines(Context& sim, Network& network) : sim_(sim), network_(network), rules_(sim) {
  for (std::uint32_t i = 0; i < sim.plan.backends; ++i) {
    engines_.emplace_back(
        sim.agenda, [this, first = i == 0](const BootRequest& request) { return fate_of(first, request); },
        test::ScriptedEngine::Hooks{.started = [this, i](const Unit& unit) { started(engines_[i], unit); },
                                    .killed = [this](const Unit& unit) { is_gone(unit); }});
    engines_.back().latency = sim.chance.skewed(0s, 30ms);
  }
}

BackendTraits Engines::traits(bool first) const {
  BackendTraits traits{.queues = true, .ends_machines = true, .proves_death = true, .unique_names = true};
  traits.lists = true;
  if (first) traits.max_lifetime = sim_.plan.lifetime;
  traits.same_kernel = traits.same_files = sim_.plan.local;
  return traits;
}

std::map<std::string, std::shared_ptr<Backend>> Engines::begin(const pool::HostProcess& process) {
  rules_.begins(process);
  std::map<std::string, std::shared_ptr<Backend>> backends;
  for (std::size_t i = 0; i < engines_.size(); ++i) {
    const std::string& name = sim_.plan.pool.backend[i];
    const auto client = std::make_shared<Client>(rules_, process, name, traits(i == 0), engines_[i]);
    clients_[label_of(process)].push_back(client);
    backends[name] = client;
  }
  return backends;
}

void Engines::end(const pool::HostProcess& process) {
  rules_.ends(process);
  const auto clients = clients_.extract(label_of(process));
  if (clients.empty()) return;
  for (const auto& client : clients.mapped()) client->die();
}

// --- fates

test::Fate Engines::fate_of(bool first, const BootRequest& request) {
  const Plan& plan = sim_.plan;
  Chance& chance = sim_.chance;
  test::Fate fate;
  if (sim_.trouble(plan.queues, 40)) fate.queued = chance.skewed(10ms, 2 * request.queue_timeout);
  const Duration slow = 2 * request.boot_timeout;
  fate.boot = sim_.trouble(plan.slow_boots, 30) ? chance.between(10ms, slow) : chance.skewed(2ms, 500ms);
  fate.answer = chance.skewed(0s, 300ms);
  fate.fails = failure(first);
  if (fate.fails) fate.boot = chance.skewed(1ms, slow);
  fate.dials = !sim_.trouble(plan.silent_boots, 20);
  fate.reset_after = sim_.trouble(plan.lost_answers, 25);
  if (fate.reset_after) lost_answers_.insert(request.name);
  if (first) fate.ends_in = plan.lifetime;
  fate.exit_told = exit_told();
  fate.destroys_refused = sim_.trouble(plan.lost_destroys, 50) ? 1 : 0;
  return fate;
}

std::optional<BootFailure> Engines::failure(bool first) {
  const Plan& plan = sim_.plan;
  BootFailure failure{.error = {.code = ErrorCode::boot_failed, .message = "simulated"}};
  if (first && sim_.trouble(plan.full_engines, 50)) {
    failure.remedy = Remedy::elsewhere;
    return failure;
  }
  if (!sim_.trouble(plan.failed_boots || plan.permanent_failures, 40)) return std::nullopt;
  const bool permanent = plan.permanent_failures && (!plan.failed_boots || sim_.chance.one_in(2));
  failure.remedy = permanent ? Remedy::permanent : Remedy::retry;
  return failure;
}

Duration Engines::exit_told() {
  if (sim_.trouble(sim_.plan.late_exits, 30)) return kForever;
  return sim_.chance.skewed(0s, sim_.trouble(sim_.plan.late_exits, 50) ? Duration(5s) : Duration(5ms));
}

// --- runners

void Engines::started(test::ScriptedEngine& engine, const Unit& unit) {
  if (unit.machine.labels.at("flame-process") != label_of(kHost)) return;
  auto parent = wire::decode_parent(unit.descriptor);
  if (parent.has_error()) return sim_.findings.broken("a runner cannot read what its host tells it");
  const bool told = !lost_answers_.contains(unit.machine.name);
  if (told && unit.ends_at != kNever) end_known_[unit.machine.name] = sim_.agenda.now() + unit.fate.answer;
  const RunnerId id = runner_of(parent->runner);
  auto& runner = runners_[unit.machine.name];
  runner = std::make_unique<RunnerModel>(sim_, id, std::move(*parent), network_, [&engine, name = unit.machine.name] {
    engine.end(name, {.reason = "simulated exit"});
  });
  if (!unit.fate.dials) return;
  runner->start();
  if (sim_.trouble(sim_.plan.dead_boots, 20)) runner->kill();
}

void Engines::is_gone(const Unit& unit) {
  const auto runner = runners_.find(unit.machine.name);
  const auto known = end_known_.find(unit.machine.name);
  if (runner == runners_.end() || !runner->second->exists()) return;
  const Instant now = sim_.agenda.now();
  const bool early = known != end_known_.end() && known->second + kKnownEarly <= now;
  if (unit.ends_at == now && early && on_known_end_) on_known_end_(runner->second->id());
  runner->second->kill();
}

std::vector<RunnerModel*> Engines::running() const {
  std::vector<RunnerModel*> running;
  for (const auto& [name, runner] : runners_)
    if (runner->exists()) running.push_back(runner.get());
  return running;
}

void Engines::thaw_all() {
  for (const auto& [name, runner] : runners_) runner->thaw();
}

std::vector<MachineName> Engines::machines_of(const pool::HostProcess& process) const {
  std::vector<MachineName> names;
  for (const test::ScriptedEngine& engine : engines_)
    std::ranges::move(rules_.of(process, engine), std::back_inserter(names));
  return names;
}

std::size_t Engines::machines() const {
  std::size_t machines = 0;
  for (const test::ScriptedEngine& engine : engines_) machines += engine.units().size();
  return machines;
}

// --- trouble

void Engines::be_down(bool down) {
  if (!down)
    for (test::ScriptedEngine& engine : engines_) engine.be_down(false);
  else
    sim_.chance.pick(engines_).be_down(true);
}

void Engines::announce_some_end() {
  test::ScriptedEngine& engine = sim_.chance.pick(engines_);
  std::vector<MachineName> names;
  for (const auto& [name, unit] : engine.units())
    if (unit.phase == BootPhase::started) names.push_back(name);
  if (names.empty()) return;
  const MachineName& name = sim_.chance.pick(names);
  const Duration left = sim_.chance.skewed(1s, 60s);
  sim_.findings.note("    machine ", name, " is said to end");
  if (!lost_answers_.contains(name)) end_known_[name] = sim_.agenda.now();
  // Its runner may have been told to end by the notice before.
  const auto runner = runners_.find(name);
  const bool is_put_off = base::deadline_after(sim_.agenda.now(), left) > engine.units().at(name).ends_at;
  if (is_put_off && runner != runners_.end()) sim_.ledger.excuse(runner->second->id());
  engine.announce(name, left, "simulated");
}

void Engines::spoil_lists() {
  test::ScriptedEngine& engine = sim_.chance.pick(engines_);
  engine.lists_nothing_once = sim_.chance.one_in(2);
  engine.list_lag = sim_.chance.skewed(0s, 90s);
}

// Of what another engine has, or nobody.
void Engines::lie() {
  const auto clients = clients_.find(label_of(kHost));
  if (clients == clients_.end()) return;
  const std::size_t liar = sim_.chance.roll(engines_.size());
  std::vector<MachineName> names{"flame-nobody-1"};
  for (std::size_t i = 0; i < engines_.size(); ++i) {
    for (const auto& [name, unit] : engines_[i].units())
      if (i != liar || unit.machine.labels.at("flame-process") != label_of(kHost)) names.push_back(name);
  }
  clients->second[liar]->lie(sim_.chance.pick(names), sim_.chance);
}

}  // namespace flame::sim
