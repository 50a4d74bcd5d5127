// The secrets that tasks of a pool find in their environment.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <flame/config.hpp>
#include <flame/result.hpp>

#include "plugin_sdk/wire/messages.hpp"

namespace flame::pool {

/// Reads them, by variable. Errors: invalid_argument, which names the variable and never shows a value: one cannot be
/// read (Secret::reveal()), has a zero byte, or they are more than limits::kTaskSecretsBytesMax together. [any thread]
[[nodiscard]] Result<std::vector<wire::KeyValue>> reveal(const std::map<std::string, Secret>& secrets);

}  // namespace flame::pool
