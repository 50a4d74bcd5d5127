// The time that the loop hands to policies; see plugin_sdk/base/boot_time.hpp.
#pragma once

#include "plugin_sdk/base/boot_time.hpp"

namespace flame::pool {

using base::boot_time;

}  // namespace flame::pool
