// What is impossible in [plugins].
#pragma once

#include <vector>

#include <flame/config.hpp>

#include "host/src/config/config_check.hpp"

namespace flame::pool {

/// Adds the problems of one configuration. Reads no file: what trusted_keys name is looked at when the host starts.
/// [any thread]
void check_plugins(const HostConfig& config, std::vector<Problem>& problems);

}  // namespace flame::pool
