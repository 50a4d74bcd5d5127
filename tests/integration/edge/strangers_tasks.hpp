// One task is enough.
#pragma once

#include <cstdint>

namespace edge_strangers {

std::int32_t add(std::int32_t a, std::int32_t b);

}  // namespace edge_strangers
