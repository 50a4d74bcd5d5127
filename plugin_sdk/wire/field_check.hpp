// Takes messages out of verified tables, if each field keeps to its rule. Remembers the first that does not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include <flame/error.hpp>

#include "plugin_sdk/wire/field_walk.hpp"

namespace flame::wire {

/// ErrorCode::incompatible with a message.
[[nodiscard]] Error incompatible(std::string message);

/// `bytes` itself when it is aligned for reading, else a copy in a buffer of this thread that lasts until the next
/// call.
[[nodiscard]] std::span<const std::byte> aligned_for_reading(std::span<const std::byte> bytes);

class FieldCheck {
 public:
  /// Unpacks `table` into `message`; false if it, or a field of it, breaks a rule: then `message` is not touched and
  /// error() names the field, "invoke.payload.parts". Once only.
  template <typename Table>
  [[nodiscard]] bool take(const Table& table, typename Table::NativeTableType& message) {
    if (!walk_fields(*this, table, {nullptr, Table::Traits::name})) return false;
    problem_ = contradiction(table);
    if (!problem_.empty()) return false;
    table.UnPackTo(&message);
    amend(message);
    return true;
  }
  [[nodiscard]] Error error() const { return incompatible(problem_); }

  // The visitor of walk_fields().
  template <typename Number>
  bool number(Number value, const FieldRule& rule, const FieldPath& path) {
    if constexpr (std::is_enum_v<Number>) {
      return value <= Number::MAX || fail(path, "has a value that this version does not know");
    } else if constexpr (std::is_signed_v<Number> && std::is_integral_v<Number>) {
      return value >= rule.min || fail(path, "is a negative duration");
    } else if constexpr (std::is_unsigned_v<Number>) {
      return value <= rule.max || fail(path, "is over the limit");
    }
    return true;
  }
  bool text(const flatbuffers::String& text, const FieldRule& rule, const FieldPath& path);
  template <typename Element>
  bool list(const flatbuffers::Vector<Element>& list, const FieldRule& rule, const FieldPath& path) {
    if (list.size() > rule.count_max)
      return fail(path, "has more than " + std::to_string(rule.count_max) + " elements");
    if constexpr (!std::is_arithmetic_v<Element>) return true;
    // The verifier does not look at the alignment of elements.
    if (reinterpret_cast<std::uintptr_t>(list.Data()) % alignof(Element) != 0) return fail(path, "is not aligned");
    return spend(list.size() * sizeof(Element), path);
  }

 private:
  bool fail(const FieldPath& path, std::string_view what);
  bool spend(std::size_t bytes, const FieldPath& path);

  std::string problem_;
  std::size_t budget_ = limits::kEnvelopeDecodedMax;
};

}  // namespace flame::wire
