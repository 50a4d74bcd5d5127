// Whether the process of a host still exists.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "host/src/policy/machine_owner.hpp"

namespace flame::pool {

/// When a process ("self" or a pid, as `proc` counts) started, in ticks since the boot; nullopt: `proc` does not say.
/// [any thread]
[[nodiscard]] std::optional<std::uint64_t> process_start_time(const std::string& process,
                                                              const std::string& proc = "/proc");

/// True only if that is sure: no process has this pid, or one that started at another time. One that exists but cannot
/// be read (another user's under hidepid, no /proc, that of another pid namespace) is not gone, nor is one that has
/// ended but was not waited for. Never waits for a disk. [any thread]
[[nodiscard]] bool is_gone(const HostProcess& process, const std::string& proc = "/proc");

}  // namespace flame::pool
