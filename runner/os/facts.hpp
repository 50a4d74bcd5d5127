// What a runner tells its host about its machine.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace flame::runner {

/// hostname, cpus (usable ones), memory (bytes), kernel, flame (version), pid (of the guardian).
[[nodiscard]] std::vector<std::pair<std::string, std::string>> machine_facts();

}  // namespace flame::runner
