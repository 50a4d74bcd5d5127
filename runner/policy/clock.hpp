// Time as the runner's classes name it; see plugin_sdk/base/clock.hpp. Policy classes get `now` as an argument.
#pragma once

#include "plugin_sdk/base/clock.hpp"

namespace flame::runner {

using base::deadline_after;
using base::Duration;
using base::Instant;
using base::kInfinite;
using base::kNever;

}  // namespace flame::runner
