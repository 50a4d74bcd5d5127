// SHA-256: what identifies a plugin's bytes.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include <flame/result.hpp>

namespace flame::base {

/// 32 bytes. A default-made one is all zeros and stands for no file.
struct Digest {
  std::array<std::uint8_t, 32> bytes{};

  /// 64 lower-case hex digits.
  [[nodiscard]] std::string hex() const;
  /// Exactly 64 lower-case hex digits.
  [[nodiscard]] static bool is_hex(std::string_view text) noexcept;

  friend auto operator<=>(const Digest&, const Digest&) = default;
};

/// One running hash. Not for two threads at once.
class Sha256 {
 public:
  Sha256();
  void update(std::span<const std::byte> bytes);
  /// Ends the hash; call once.
  [[nodiscard]] Digest finish();

 private:
  alignas(16) std::array<std::byte, 128> state_;
};

[[nodiscard]] Digest sha256(std::span<const std::byte> bytes);
[[nodiscard]] Digest sha256(std::string_view bytes);

/// Hashes from the current position of `fd` to its end. Errors: too_large past `limit` bytes; invalid_argument with the
/// system's words when reading fails.
[[nodiscard]] Result<Digest> hash_fd(int fd, std::uint64_t limit);

/// The same while writing every byte to `to`, so that what is hashed is what is kept. Writing may fail likewise.
[[nodiscard]] Result<Digest> hash_while_copying(int from, int to, std::uint64_t limit);

}  // namespace flame::base

template <>
struct std::hash<flame::base::Digest> {
  std::size_t operator()(const flame::base::Digest& digest) const noexcept;
};
