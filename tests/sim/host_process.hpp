// A process of some host of a simulated world, as labels tell of it.
#pragma once

#include <cstdint>
#include <string>

#include "host/src/policy/machine_names.hpp"
#include "host/src/policy/machine_owner.hpp"

namespace flame::sim {

/// All of them run on one computer and have one name.
[[nodiscard]] inline pool::HostIdentity identity_of(const pool::HostProcess& process, std::uint64_t seed) {
  return {.run = pool::run_id(seed * 1000 + static_cast<std::uint64_t>(process.pid)),
          .host = pool::label_value("sim"),
          .origin = pool::origin_label("boot", "namespace"),
          .process = pool::process_label(process.pid, process.start_time)};
}

[[nodiscard]] inline std::string label_of(const pool::HostProcess& process) {
  return pool::process_label(process.pid, process.start_time);
}

}  // namespace flame::sim
