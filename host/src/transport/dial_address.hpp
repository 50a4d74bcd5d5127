// What runners dial.
#pragma once

#include <string>

#include <flame/backend.hpp>
#include <flame/result.hpp>

#include "host/src/transport/listeners.hpp"

namespace flame::pool {

/// The endpoint for runners of one that is bound ("tcp://[::]:4711"), with its port. `address`: the one to use, an IPv6
/// one with or without brackets; empty: the bound one, and 127.0.0.1 when that is every address of the machine.
[[nodiscard]] std::string dial_address(const std::string& address, const std::string& bound);

/// Those of a host that one runner is told. With Reach::ipc the host's ipc endpoints where there are any, and they
/// alone, since over ipc the kernel tells of the end of either side, and silence (a breakpoint) loses nothing. Else its
/// tcp ones at `advertise`, or at each of the addresses of `reach` if that is "auto" or empty. Error: invalid_argument,
/// the host listens on nothing that fits.
[[nodiscard]] Result<Endpoints> endpoints_for(const Reach& reach, const std::string& advertise, const Endpoints& ipc,
                                              const Endpoints& tcp);

}  // namespace flame::pool
