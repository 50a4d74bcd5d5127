// Numbers that a stranger cannot guess.
#pragma once

#include <cstdint>
#include <random>

namespace flame::base {

/// 64 bits from the kernel (getrandom on this platform). Throws std::system_error if it gives none. [any thread]
[[nodiscard]] inline std::uint64_t random_number() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

}  // namespace flame::base
