// SHA-256 by libsodium.
#include "plugin_sdk/base/digest.hpp"

#include <sodium.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <new>

#include "plugin_sdk/base/file.hpp"

namespace flame::base {
namespace {

constexpr std::size_t kCopyBuffer = 256 * 1024;

Error failed(std::string_view what, int error_number) {
  Error error;
  error.code = ErrorCode::invalid_argument;
  error.message = "cannot " + std::string(what) + ": " + std::strerror(error_number);
  return error;
}

}  // namespace

std::string Digest::hex() const {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const std::uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

// Each call carries one, and its digits are random: a branch per digit would be predicted wrong every other time.
bool Digest::is_hex(std::string_view text) noexcept {
  constexpr std::size_t kDigits = 2 * sizeof(bytes);
  if (text.size() != kDigits) return false;
  unsigned char others = 0;
  for (std::size_t i = 0; i < kDigits; ++i) {
    const auto digit = static_cast<unsigned char>(text[i]);
    const bool decimal = digit >= '0' && digit <= '9';
    const bool letter = digit >= 'a' && digit <= 'f';
    others |= static_cast<unsigned char>(!decimal && !letter);
  }
  return others == 0;
}

Sha256::Sha256() {
  static_assert(sizeof(crypto_hash_sha256_state) <= sizeof(state_));
  static_assert(alignof(crypto_hash_sha256_state) <= 16);
  crypto_hash_sha256_init(::new (state_.data()) crypto_hash_sha256_state);
}

void Sha256::update(std::span<const std::byte> bytes) {
  auto* state = std::launder(reinterpret_cast<crypto_hash_sha256_state*>(state_.data()));
  crypto_hash_sha256_update(state, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
}

Digest Sha256::finish() {
  auto* state = std::launder(reinterpret_cast<crypto_hash_sha256_state*>(state_.data()));
  Digest digest;
  crypto_hash_sha256_final(state, digest.bytes.data());
  return digest;
}

Digest sha256(std::span<const std::byte> bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.finish();
}

Digest sha256(std::string_view bytes) {
  return sha256(std::as_bytes(std::span(bytes.data(), bytes.size())));
}

Result<Digest> hash_while_copying(int from, int to, std::uint64_t limit) {
  const auto buffer = std::make_unique_for_overwrite<std::byte[]>(kCopyBuffer);
  Sha256 hash;
  for (std::uint64_t total = 0;;) {
    const ssize_t n = ::read(from, buffer.get(), kCopyBuffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed("read", errno);
    if (n == 0) return hash.finish();
    total += static_cast<std::uint64_t>(n);
    if (total > limit) {
      Error error;
      error.code = ErrorCode::too_large;
      error.message = "more than " + std::to_string(limit) + " bytes";
      return error;
    }
    const std::span<const std::byte> bytes(buffer.get(), static_cast<std::size_t>(n));
    hash.update(bytes);
    if (to < 0) continue;
    if (const int problem = write_all(to, bytes)) return failed("write", problem);
  }
}

Result<Digest> hash_fd(int fd, std::uint64_t limit) {
  return hash_while_copying(fd, -1, limit);
}

}  // namespace flame::base

std::size_t std::hash<flame::base::Digest>::operator()(const flame::base::Digest& digest) const noexcept {
  std::size_t value = 0;
  std::memcpy(&value, digest.bytes.data(), sizeof value);
  return value;
}
