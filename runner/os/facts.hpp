// What a runner tells its host about its machine.
#pragma once

#include <vector>

#include "plugin_sdk/wire/messages.hpp"

namespace flame::runner {

/// hostname, cpus (usable ones), memory (bytes), kernel, flame (version), pid (of the guardian).
[[nodiscard]] std::vector<wire::KeyValue> machine_facts();

}  // namespace flame::runner
