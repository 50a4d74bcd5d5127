// Wipes by libsodium.
#include "host/src/plugins/wiped.hpp"

#include <sodium.h>

namespace flame::pool {

void wipe(std::span<std::byte> bytes) noexcept {
  sodium_memzero(bytes.data(), bytes.size());
}

}  // namespace flame::pool
