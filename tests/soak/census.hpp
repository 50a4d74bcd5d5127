// What a host program and its runners hold at one moment: processes, descriptors, memory.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>

namespace flame::soak {

[[nodiscard]] std::size_t descriptors_of(pid_t pid);
/// Resident bytes.
[[nodiscard]] std::uint64_t memory_of(pid_t pid);

/// Of this process and of one runner, which is known by its supervisor.
struct Census {
  std::size_t descriptors = 0;
  std::uint64_t memory = 0;
  std::size_t runner_descriptors = 0;
  std::uint64_t runner_memory = 0;
  std::size_t runner_processes = 0;

  [[nodiscard]] static Census take(pid_t supervisor);
  [[nodiscard]] std::string to_string() const;
};

}  // namespace flame::soak
