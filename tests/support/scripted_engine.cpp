// Places, starts, deaths.
#include "tests/support/scripted_engine.hpp"

#include <algorithm>
#include <utility>

#include "plugin_sdk/base/assert.hpp"

namespace flame::test {
namespace {

const char* word_of(BootPhase phase) {
  switch (phase) {
    case BootPhase::queued:
      return "pending";
    case BootPhase::placed:
    case BootPhase::pulling:
    case BootPhase::starting:
      return "creating";
    case BootPhase::started:
      return "running";
  }
  return "unknown";
}

}  // namespace

ScriptedEngine::ScriptedEngine(sim::Agenda& agenda, Script script, Hooks hooks)
    : agenda_(agenda), script_(std::move(script)), hooks_(std::move(hooks)) {}

// A client may detach itself, or another, while it is told.
template <class Tell>
void ScriptedEngine::tell_all(Tell tell) {
  if (down_) return;
  const std::vector<Client*> clients = clients_;
  for (Client* const client : clients)
    if (std::ranges::find(clients_, client) != clients_.end()) tell(*client);
}

void ScriptedEngine::later(const Unit& unit, Duration delay, std::function<void(Unit&)> task) {
  agenda_.in(delay, [this, name = unit.machine.name, serial = unit.serial, task = std::move(task)] {
    const auto found = units_.find(name);
    if (found != units_.end() && found->second.serial == serial) task(found->second);
  });
}

void ScriptedEngine::be_down(bool down) {
  if (!std::exchange(down_, down) || down) return;
  tell_all([](Client& client) { client.came_back(); });
}

std::size_t ScriptedEngine::machines() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(units_, [](const auto& unit) { return unit.second.phase != BootPhase::queued; }));
}

void ScriptedEngine::submit(const BootRequest& request, std::string descriptor) {
  FLAME_ASSERT(!units_.contains(request.name), "the client has looked for it");
  Unit& unit = units_[request.name];
  unit = {.machine = {.name = request.name, .labels = request.labels, .place = "here"},
          .fate = script_(request),
          .env = request.env,
          .descriptor = std::move(descriptor),
          .serial = ++last_serial_};
  unit.machine.id = "m-" + std::to_string(unit.serial);
  if (unit.fate.queued > Duration::zero()) move(unit, BootPhase::queued);
  later(unit, unit.fate.queued, [this](Unit& waiting) { placed(waiting); });
}

void ScriptedEngine::placed(Unit& unit) {
  if (unit.fate.fails && unit.fate.fails->remedy == Remedy::elsewhere) {
    const BootFailure failure = *unit.fate.fails;
    const Unit gone = std::move(units_.extract(unit.machine.name).mapped());
    return tell_all([&](Client& client) { client.failed(gone.machine.name, failure); });
  }
  unit.born = agenda_.now();
  if (unit.fate.ends_in != kForever) announce(unit.machine.name, unit.fate.ends_in, {});
  move(unit, BootPhase::placed);
  later(unit, unit.fate.boot / 2, [this](Unit& booting) { move(booting, BootPhase::starting); });
  later(unit, unit.fate.boot, [this](Unit& booting) { started(booting); });
}

void ScriptedEngine::started(Unit& unit) {
  if (unit.fate.fails) {
    const BootFailure failure = *unit.fate.fails;
    const Unit gone = bury(unit.machine.name, {.reason = "exit code 1"});
    return tell_all([&](Client& client) { client.failed(gone.machine.name, failure); });
  }
  unit.log += unit.fate.log;
  const Unit copy = unit;  // a client may end it
  move(unit, BootPhase::started);
  if (hooks_.started && find(copy.machine.name) != nullptr) hooks_.started(copy);
}

void ScriptedEngine::move(Unit& unit, BootPhase phase) {
  unit.phase = phase;
  const Unit copy = unit;
  tell_all([&](Client& client) { client.moved(copy); });
}

ScriptedEngine::Unit ScriptedEngine::bury(const MachineName& name, const MachineExit& exit) {
  Unit gone = std::move(units_.extract(name).mapped());
  graves_.push_back({gone, exit, agenda_.now()});
  return gone;
}

// By value: the name may be that of the unit itself.
void ScriptedEngine::end(MachineName name, const MachineExit& exit) {
  if (find(name) == nullptr) return;
  const Unit gone = bury(name, exit);
  if (hooks_.killed) hooks_.killed(gone);
  if (gone.phase != BootPhase::started) {
    const BootFailure failure{.error = {.code = ErrorCode::boot_failed,
                                        .message = "machine " + name + " has ended: " + exit.reason + ".",
                                        .log_tail = exit.log_tail}};
    return tell_all([&](Client& client) { client.failed(name, failure); });
  }
  agenda_.in(gone.fate.exit_told, [this, name, exit] { tell_all([&](Client& client) { client.died(name, exit); }); });
}

void ScriptedEngine::announce(const MachineName& name, Duration left, const std::string& why) {
  const auto found = units_.find(name);
  if (found == units_.end()) return;
  Unit& unit = found->second;
  unit.ends_at = base::deadline_after(agenda_.now(), left);
  unit.notice = why;
  later(unit, left, [this, ends_at = unit.ends_at](Unit& ended) {
    if (ended.ends_at == ends_at) end(ended.machine.name, {.reason = "its time is over"});
  });
  if (!why.empty()) tell_all([&](Client& client) { client.ending(name, left, why); });
}

bool ScriptedEngine::destroy(const MachineName& name) {
  const auto found = units_.find(name);
  if (destroy_fails) return false;
  if (found == units_.end()) return true;
  if (found->second.fate.destroys_refused > 0) {
    --found->second.fate.destroys_refused;
    return false;
  }
  const Unit gone = bury(name, {.reason = "destroyed"});
  if (hooks_.killed) hooks_.killed(gone);
  tell_all([&](Client& client) {
    if (gone.phase == BootPhase::started) return client.died(name, {.reason = "destroyed"});
    client.failed(name, {.error = {.code = ErrorCode::cancelled, .message = "machine " + name + " was destroyed."}});
  });
  return true;
}

const ScriptedEngine::Unit* ScriptedEngine::find(const MachineName& name) const {
  const auto found = units_.find(name);
  return found == units_.end() ? nullptr : &found->second;
}

bool ScriptedEngine::loses_answer(const MachineName& name) {
  const auto found = units_.find(name);
  return found != units_.end() && std::exchange(found->second.fate.reset_after, false);
}

MachineExit ScriptedEngine::exit_of(const MachineName& name) const {
  for (auto grave = graves_.rbegin(); grave != graves_.rend(); ++grave)
    if (grave->unit.machine.name == name) return grave->exit;
  return {.reason = "it is gone"};
}

Machine ScriptedEngine::tell(const Unit& unit) const {
  Machine machine = unit.machine;
  machine.state = word_of(unit.phase);
  machine.age = agenda_.now() - unit.born;
  machine.ends_in = base::remaining(unit.ends_at, agenda_.now());
  return machine;
}

std::vector<Machine> ScriptedEngine::list(const Labels& scope) {
  if (std::exchange(lists_nothing_once, false)) return {};
  const sim::Instant seen = agenda_.now() - list_lag;
  const auto in_scope = [&](const Unit& unit) {
    return unit.phase != BootPhase::queued && unit.born <= seen && std::ranges::includes(unit.machine.labels, scope);
  };
  std::vector<Machine> machines;
  for (const auto& [name, unit] : units_)
    if (in_scope(unit)) machines.push_back(tell(unit));
  for (const Grave& grave : graves_)
    if (in_scope(grave.unit) && grave.died > seen) machines.push_back(tell(grave.unit));
  return machines;
}

}  // namespace flame::test
