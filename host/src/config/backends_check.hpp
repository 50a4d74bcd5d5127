// What is impossible in [backends], and in the lists that name backends.
#pragma once

#include <string>
#include <vector>

#include <flame/config.hpp>

#include "host/src/config/config_check.hpp"

namespace flame::pool {

/// [backends] and [host] backend. Whether there is such a kind is known where backends are made. [any thread]
void check_backends(const HostConfig& config, std::vector<Problem>& problems);

/// One list, which stands at `path`. [any thread]
void check_backend_names(const std::string& path, const std::vector<std::string>& names,
                         std::vector<Problem>& problems);

}  // namespace flame::pool
