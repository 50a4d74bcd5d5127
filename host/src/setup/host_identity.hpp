// Who this host is, for the labels of its machines.
#pragma once

#include <string>
#include <vector>

#include <flame/config.hpp>

#include "host/src/policy/machine_names.hpp"

namespace flame::pool {

/// As the configuration has it; "auto": this computer's name. [any thread]
[[nodiscard]] std::string host_name(const HostConfig& config);

/// What is to be said where machines would be found again by a name that nobody has chosen. `lists`: the backends whose
/// machines outlive their host. Empty: nothing.
[[nodiscard]] std::string name_warning(const HostConfig& config, const std::vector<std::string>& lists);

/// Of a host of this process that starts now. Where the system does not say which boot, pid namespace or process this
/// is, the origin is one that no other host has: nobody will take this host for dead then. Throws std::system_error if
/// the kernel gives no random numbers. [any thread]
[[nodiscard]] HostIdentity host_identity(const std::string& host_name);

}  // namespace flame::pool
