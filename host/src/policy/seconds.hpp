// Lengths of time as people read them in a pool's errors.
#pragma once

#include <chrono>
#include <string>

#include <flame/options.hpp>

namespace flame::pool {

/// "12.5 s"
[[nodiscard]] inline std::string seconds(Duration duration) {
  const auto tenths = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count() / 100;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
}

}  // namespace flame::pool
