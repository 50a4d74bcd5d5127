// Envelopes as a peer of a newer minor protocol would send them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace flame::test {

/// `envelope` with a body of a kind that this minor does not know. Its request id stays: Invoke has its own, Hello and
/// Retire have 1, notifications none.
[[nodiscard]] inline std::vector<std::byte> of_a_newer_minor(std::vector<std::byte> envelope) {
  constexpr std::size_t kBodyTypeEntry = 4 + 2 * 1;  // the second field of the table
  std::uint32_t root = 0;
  std::memcpy(&root, envelope.data(), sizeof root);
  std::int32_t to_vtable = 0;
  std::memcpy(&to_vtable, envelope.data() + root, sizeof to_vtable);
  std::uint16_t offset = 0;
  std::memcpy(&offset, envelope.data() + static_cast<std::int64_t>(root) - to_vtable + kBodyTypeEntry, sizeof offset);
  envelope[root + offset] = std::byte{200};
  return envelope;
}

}  // namespace flame::test
