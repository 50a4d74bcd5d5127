// What runners on other machines dial.
#pragma once

#include <string>

namespace flame::pool {

/// The endpoint for runners of one that is bound ("tcp://[::]:4711"), with its port. `advertise`: the address to use,
/// an IPv6 one with or without brackets; "auto" or empty: `fly_address` (of FLY_PRIVATE_IP; empty when there is none),
/// else the bound address, and 127.0.0.1 when that is every address of the machine.
[[nodiscard]] std::string dial_address(const std::string& advertise, const std::string& fly_address,
                                       const std::string& bound);

}  // namespace flame::pool
