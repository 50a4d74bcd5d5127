// Tasks that take their time.
#pragma once

#include <cstdint>
#include <string>

namespace edge_liveness {

/// Creates `file`, and returns after so long.
std::string work(std::string file, std::int32_t milliseconds);
std::int64_t supervisor();

}  // namespace edge_liveness
