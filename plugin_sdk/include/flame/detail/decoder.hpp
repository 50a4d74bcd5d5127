// Verifies a payload against the description of its type, and reads verified payloads.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include <flame/bytes.hpp>
#include <flame/detail/object.hpp>
#include <flame/detail/payload.hpp>
#include <flame/detail/type_desc.hpp>

namespace flame {

struct Error;

namespace detail {

/// Tables inside of tables; limits::kDepthMax.
inline constexpr unsigned kPayloadDepthMax = 64;

/// One walk over everything that `root` (Call or Return) describes: bounds, alignment, depth, enumerators, lengths,
/// frame numbers, no object used twice. After true, Decoder reads nothing outside of the payload and the decoded value
/// is at most a constant multiple of its size. Unknown trailing fields are allowed and ignored. false: `error` is
/// invalid_argument with the path ("argument f0.path: ..."). Allocates at most 1/32 of the payload's size.
[[nodiscard]] bool verify(const PayloadView& payload, const TypeDesc& root, Error& error);

/// The value of an inline kind at `at`, sign-extended if it is signed.
[[nodiscard]] std::uint64_t load_bits(const std::byte* at, Kind kind) noexcept;

/// Reads a verified payload. Positions are offsets from its start; 0 is "absent" and reads as zero or empty.
class Decoder {
 public:
  /// `payload`, `objects` (may be null) and `error` outlive the decoder.
  Decoder(const PayloadView& payload, const TypeDesc& root, ObjectSource* objects, Error& error) noexcept
      : payload_(payload), root_(root), objects_(objects), error_(error) {}

  template <class U>
  [[nodiscard]] U load(std::size_t at) const noexcept {
    U value;
    std::memcpy(&value, payload_.table + at, sizeof value);
    return value;
  }
  [[nodiscard]] const std::byte* bytes(std::size_t at) const noexcept { return payload_.table + at; }
  /// Where the offset at `at` leads; 0 stays 0.
  [[nodiscard]] std::size_t follow(std::size_t at) const noexcept { return at == 0 ? 0 : at + load<std::uint32_t>(at); }
  [[nodiscard]] std::size_t root() const noexcept { return follow_root(); }
  /// Position of a field's value or offset in its table.
  [[nodiscard]] std::size_t field(std::size_t table, std::size_t index) const noexcept {
    if (table == 0) return 0;
    const std::size_t vtable = static_cast<std::size_t>(static_cast<std::int64_t>(table) - load<std::int32_t>(table));
    const std::size_t entry = 4 + 2 * index;
    if (entry + 2 > load<std::uint16_t>(vtable)) return 0;
    const std::uint16_t offset = load<std::uint16_t>(vtable + entry);
    return offset == 0 ? 0 : table + offset;
  }
  /// Elements of a vector or bytes of a string; the first element follows at +4.
  [[nodiscard]] std::size_t count(std::size_t vector) const noexcept {
    return vector == 0 ? 0 : load<std::uint32_t>(vector);
  }
  [[nodiscard]] std::string_view text(std::size_t string) const noexcept {
    return string == 0 ? std::string_view()
                       : std::string_view(reinterpret_cast<const char*>(bytes(string + 4)), count(string));
  }

  [[nodiscard]] Bytes attachment(std::uint32_t frame) const;
  /// nullptr for 0; for an object that is not found the decoder fails with runner_lost.
  [[nodiscard]] ObjectHandle tracked(std::uint32_t index, std::string_view type_name);

  /// Names of the fields on the way to what is decoded now, for messages.
  void enter(std::string_view name) noexcept {
    if (depth_ < path_.size()) path_[depth_] = name;
    ++depth_;
  }
  void leave() noexcept { --depth_; }
  void fail_repeated();
  void fail_nested();
  [[nodiscard]] bool failed() const noexcept { return failed_; }

 private:
  [[nodiscard]] std::size_t follow_root() const noexcept { return load<std::uint32_t>(0); }
  void fail(bool lost, std::string_view what);

  const PayloadView& payload_;
  const TypeDesc& root_;
  ObjectSource* objects_;
  Error& error_;
  std::array<std::string_view, 2 * kPayloadDepthMax> path_{};
  std::size_t depth_ = 0;
  bool failed_ = false;
};

}  // namespace detail
}  // namespace flame
