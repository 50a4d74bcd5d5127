// Boots, late boots, exits.
#include "host/src/loop/machines.hpp"

#include <algorithm>
#include <exception>

#include "plugin_sdk/base/assert.hpp"
#include "plugin_sdk/base/limits.hpp"

namespace flame::pool {

Machines::Machines(std::map<std::string, std::shared_ptr<Backend>> backends, std::shared_ptr<Inbox> inbox)
    : backends_(std::move(backends)), inbox_(std::move(inbox)) {
  for (const auto& [name, backend] : backends_) {
    backend->on_exit([origin = backend.get(), to = inbox_](MachineId machine, std::string reason) {
      using Exited = command::Exited;
      static_cast<void>(to->push(
          Exited{std::make_unique<Exited::What>(Exited::What{origin, std::move(machine), std::move(reason)})}));
    });
  }
}

void Machines::boot(RunnerKey runner, const std::string& backend, BootRequest request) {
  const auto found = backends_.find(backend);
  FLAME_ASSERT(found != backends_.end(), "every pool's backend is made before the loop starts");
  entries_[runner] = {.backend = found->second.get()};
  const auto answer = [runner, to = inbox_](BootOutcome outcome) {
    static_cast<void>(to->push(command::Booted{runner, std::make_unique<BootOutcome>(std::move(outcome))}));
  };
  try {
    found->second->boot(std::move(request), answer);
  } catch (const std::exception& error) {  // of a backend that is not ours; it must not end the loop
    answer(BootFailure{.error = {.code = ErrorCode::boot_failed,
                                 .message = "backend \"" + backend + "\": its boot() has thrown: " + error.what()}});
  }
}

void Machines::on(command::Booted&& booted, Instant now) {
  const RunnerKey runner = booted.runner;
  const BootOutcome& outcome = *booted.outcome;
  const auto entry = entries_.find(runner);
  if (entry == entries_.end() || entry->second.machine) {
    return;  // a backend that answers one boot twice
  }
  if (outcome.has_error()) {
    entries_.erase(entry);
    events_.on_boot(runner, outcome.error(), now);
    return;
  }
  const Name machine{entry->second.backend, outcome->id};
  entry->second.machine = outcome->id;
  if (entry->second.destroyed) {
    entries_.erase(entry);
    return end(machine, runner);
  }
  runners_[machine] = runner;
  events_.on_boot(runner, std::nullopt, now);
  if (const auto early = early_exits_.extract(machine)) exited(machine.first, machine.second, early.mapped(), now);
}

void Machines::on(command::Exited&& exited, Instant now) {
  this->exited(exited.what->backend, exited.what->machine, std::move(exited.what->reason), now);
}

void Machines::exited(Backend* backend, const MachineId& machine, std::string reason, Instant now) {
  const auto found = runners_.find({backend, machine});
  if (found != runners_.end()) {
    const RunnerKey runner = found->second;
    entries_.at(runner).exited = true;
    events_.on_exit(runner, std::move(reason), now);
    return;
  }
  const auto gone =
      std::ranges::find(destroyed_, std::pair(backend, machine), &decltype(destroyed_)::value_type::first);
  if (gone != destroyed_.end()) {
    const RunnerKey runner = gone->second;
    destroyed_.erase(gone);
    events_.on_exit(runner, std::move(reason), now);
    return;
  }
  bool booting = false;
  for (const auto& [runner, entry] : entries_) booting = booting || (entry.backend == backend && !entry.machine);
  if (booting) {
    early_exits_[{backend, machine}] = std::move(reason);
  } else {
    early_exits_.clear();
  }
}

MachineId Machines::name_of(RunnerKey runner) const {
  const auto entry = entries_.find(runner);
  return entry == entries_.end() ? MachineId() : entry->second.machine.value_or(MachineId());
}

void Machines::destroy(RunnerKey runner) {
  const auto entry = entries_.find(runner);
  if (entry == entries_.end()) return;
  if (!entry->second.machine) {
    entry->second.destroyed = true;
    return;
  }
  const Name machine{entry->second.backend, *entry->second.machine};
  const bool exited = entry->second.exited;
  runners_.erase(machine);
  entries_.erase(entry);
  if (exited) {
    destroy_now(machine, runner);
  } else {
    end(machine, runner);
  }
}

void Machines::end(const Name& machine, RunnerKey runner) {
  destroyed_.emplace_back(machine, runner);
  if (destroyed_.size() > limits::kRunnersCeiling) {
    destroyed_.pop_front();  // a backend that does not tell of ends that it was asked for
  }
  destroy_now(machine, runner);
}

void Machines::destroy_now(const Name& machine, RunnerKey runner) {
  try {
    machine.first->destroy(machine.second);
  } catch (const std::exception& error) {  // as above
    events_.on_left(runner, "backend \"" + machine.first->name() + "\": its destroy() has thrown: " + error.what() +
                                ". See that machine " + machine.second + " ends.");
  }
}

}  // namespace flame::pool
