// MachineRules: names, limits, and who may end whose.
#include "tests/sim/machine_rules.hpp"

#include <charconv>

#include "plugin_sdk/base/limits.hpp"

namespace flame::sim {

namespace {

constexpr std::int64_t kUnixStart = 1'800'000'000;

std::string owner(const flame::Machine& machine) {
  const auto label = machine.labels.find("flame-process");
  return label == machine.labels.end() ? std::string() : label->second;
}

}  // namespace

Duration MachineRules::boot_max() const {
  return sim_.plan.pool.queue_timeout + sim_.plan.pool.boot_timeout + limits::kFailsafe;
}

std::int64_t MachineRules::unix_time() const {
  return kUnixStart + std::chrono::duration_cast<std::chrono::seconds>(sim_.agenda.now().time_since_epoch()).count();
}

std::vector<MachineName> MachineRules::of(const pool::HostProcess& process, const test::ScriptedEngine& engine) {
  std::vector<MachineName> names;
  for (const auto& [name, unit] : engine.units())
    if (owner(unit.machine) == label_of(process)) names.push_back(name);
  return names;
}

void MachineRules::boots(const pool::HostProcess& process, const Backend& backend, const test::ScriptedEngine& engine,
                         const MachineName& name) {
  if (!names_.insert(name).second) sim_.findings.broken("machine ", name, " is booted twice");
  const std::uint64_t most = backend.name() == sim_.plan.pool.backend.front() ? sim_.plan.machines_max : 0;
  if (most > 0 && of(process, engine).size() >= most)
    sim_.findings.broken("machine ", name, " is one more than the ", most, " that its backend may have");
}

void MachineRules::destroys(const pool::HostProcess& process, const test::ScriptedEngine& engine,
                            const MachineName& name) {
  const auto* unit = engine.find(name);
  if (unit == nullptr || owner(unit->machine) == label_of(process)) return;
  const flame::Machine machine = engine.tell(*unit);
  if (living_.contains(owner(machine)) && !has_expired(machine))
    sim_.findings.broken("machine ", name, " of a living host is destroyed by another");
  if (machine.age <= boot_max()) sim_.findings.broken("machine ", name, " may be that of a boot that is under way");
}

bool MachineRules::has_expired(const flame::Machine& machine) const {
  const auto label = machine.labels.find("flame-until");
  if (label == machine.labels.end()) return false;
  std::int64_t until = 0;
  std::from_chars(label->second.data(), label->second.data() + label->second.size(), until);
  return unix_time() > until;
}

}  // namespace flame::sim
