// What runners dial.
#pragma once

#include <string>

#include "host/src/transport/listeners.hpp"

namespace flame::pool {

/// The endpoint for runners of one that is bound ("tcp://[::]:4711"), with its port. `advertise`: the address to use,
/// an IPv6 one with or without brackets; "auto" or empty: `fly_address` (of FLY_PRIVATE_IP; empty when there is none),
/// else the bound address, and 127.0.0.1 when that is every address of the machine.
[[nodiscard]] std::string dial_address(const std::string& advertise, const std::string& fly_address,
                                       const std::string& bound);

/// Those of a host that one runner is told. `on_this_machine`: its ipc endpoints where there are any, and they alone,
/// since over ipc the kernel tells of the end of either side, and silence (a breakpoint) loses nothing. Elsewhere the
/// tcp ones; without any, ipc is all there is.
[[nodiscard]] const Endpoints& endpoints_for(bool on_this_machine, const Endpoints& ipc, const Endpoints& tcp);

}  // namespace flame::pool
