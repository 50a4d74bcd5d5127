// What backends list, as people are shown it.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <flame/backend.hpp>
#include <flame/config.hpp>

#include "host/src/policy/machine_owner.hpp"
#include "host/src/trace/status.hpp"

namespace flame::control {

/// By whom and from where machines are looked at.
struct MachineView {
  pool::Viewpoint from;
  std::function<bool(const pool::HostProcess&)> is_gone;  ///< none: nobody is
  std::set<MachineName> ours;                             ///< living, whatever their labels say
  std::map<std::string, std::string> names;               ///< of hosts and pools, by the values of their labels
};

/// MachineView::names of a host and its pools.
[[nodiscard]] std::map<std::string, std::string> label_names(std::string_view host,
                                                             const std::vector<std::string>& pools);

/// The word for it in MachineStatus::owner.
[[nodiscard]] std::string_view to_string(pool::MachineOwner owner) noexcept;

/// At most limits::kReapMachinesMax machines.
[[nodiscard]] BackendMachines backend_machines(std::string_view backend, const Result<std::vector<Machine>>& listed,
                                               const MachineView& view);

}  // namespace flame::control
