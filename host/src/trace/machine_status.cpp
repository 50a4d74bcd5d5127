// From machines to their status.
#include "host/src/trace/machine_status.hpp"

#include <algorithm>
#include <optional>

#include "host/src/policy/machine_names.hpp"
#include "plugin_sdk/base/limits.hpp"

namespace flame::control {
namespace {

// As people know it; else the label's value, if there is one.
std::string name_of(const Labels& labels, const char* key, const MachineView& view) {
  const auto label = labels.find(key);
  if (label == labels.end()) return {};
  const auto known = view.names.find(label->second);
  return known == view.names.end() ? label->second : known->second;
}

pool::MachineOwner owner_of(const Machine& machine, const MachineView& view) {
  if (view.ours.contains(machine.name)) return pool::MachineOwner::living;
  const auto process = pool::process_of(machine.labels, view.from.origin);
  return pool::owner_of(machine, view.from, process && view.is_gone && view.is_gone(*process));
}

MachineStatus status_of(const Machine& machine, const MachineView& view) {
  return {.name = machine.name,
          .id = machine.id,
          .state = machine.state,
          .place = machine.place,
          .pool = name_of(machine.labels, "flame-pool", view),
          .host = name_of(machine.labels, "flame-host", view),
          .owner = std::string(to_string(owner_of(machine, view))),
          .age = machine.age,
          .ends_in = machine.ends_in == kForever ? std::nullopt : std::optional(machine.ends_in)};
}

}  // namespace

std::map<std::string, std::string> label_names(std::string_view host, const std::vector<std::string>& pools) {
  std::map<std::string, std::string> names{{pool::label_value(host), std::string(host)}};
  for (const std::string& pool : pools) names[pool::label_value(pool)] = pool;
  return names;
}

std::string_view to_string(pool::MachineOwner owner) noexcept {
  switch (owner) {
    case pool::MachineOwner::unknown:
      return "unknown";
    case pool::MachineOwner::elsewhere:
      return "elsewhere";
    case pool::MachineOwner::living:
      return "living";
    case pool::MachineOwner::gone:
      return "gone";
    case pool::MachineOwner::expired:
      return "expired";
  }
  return "unknown";
}

BackendMachines backend_machines(std::string_view backend, const Result<std::vector<Machine>>& listed,
                                 const MachineView& view) {
  BackendMachines told{.backend = std::string(backend), .lists = true, .error = {}, .left_out = 0, .machines = {}};
  if (listed.has_error()) {
    told.error = listed.error().message;
    return told;
  }
  const std::size_t shown = std::min(listed->size(), limits::kReapMachinesMax);
  told.left_out = listed->size() - shown;
  for (std::size_t i = 0; i < shown; ++i) told.machines.push_back(status_of((*listed)[i], view));
  return told;
}

}  // namespace flame::control
