// The two connections between a host and a runner.
#pragma once

#include <cstdint>

namespace flame::wire {

/// `control`: calls, liveness, small payloads. `bulk`: chunks of large ones, so that these delay nothing else.
enum class Line : std::uint8_t { control = 0, bulk };

}  // namespace flame::wire
