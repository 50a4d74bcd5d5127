// Whether the secrets of all pools can be read.
#pragma once

#include <vector>

#include <flame/config.hpp>

namespace flame::pool {

/// One error for each pool whose secrets cannot be had, with its place: a host that starts without them would fail at
/// its first boot, hours later.
[[nodiscard]] std::vector<Error> check_secrets(const HostConfig& config);

}  // namespace flame::pool
