// What plugins find in their environment.
#pragma once

#include <string>
#include <vector>

#include "plugin_sdk/wire/messages.hpp"

namespace flame::runner {

/// `environment` ("NAME=value") with the secrets of tasks, which win over variables of the same name.
[[nodiscard]] std::vector<std::string> with_secrets(std::vector<std::string> environment,
                                                    const std::vector<wire::KeyValue>& secrets);

}  // namespace flame::runner
