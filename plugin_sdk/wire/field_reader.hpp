// Takes values out of a verified buffer and holds each to its bound. Remembers the first thing that is wrong.
#pragma once

#include <flatbuffers/flatbuffers.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <flame/error.hpp>

#include "plugin_sdk/base/limits.hpp"

namespace flame::wire {

/// ErrorCode::incompatible with a message.
[[nodiscard]] Error incompatible(std::string message);

/// `bytes` itself when it is aligned for reading, else a copy in a buffer of this thread that lasts until the next
/// call.
[[nodiscard]] std::span<const std::byte> aligned_for_reading(std::span<const std::byte> bytes);

/// After a failure every function returns an empty value. `field` names what is read: "invoke.task".
class FieldReader {
 public:
  [[nodiscard]] std::string text(const flatbuffers::String* value, std::size_t bytes_max, std::string_view field);
  [[nodiscard]] std::string name(const flatbuffers::String* value, std::string_view field) {
    return text(value, limits::kNameMax, field);
  }
  /// 64 lower-case hex digits or nothing: receivers make file names of it.
  [[nodiscard]] std::string digest(const flatbuffers::String* value, std::string_view field);
  [[nodiscard]] std::vector<std::uint64_t> numbers(const flatbuffers::Vector<std::uint64_t>* values,
                                                   std::size_t count_max, std::string_view field);
  /// A duration that remains: nothing below -1.
  [[nodiscard]] std::int64_t duration(std::int64_t ns, std::string_view field);

  template <typename To, typename From>
  [[nodiscard]] To enumerator(From value, std::string_view field) {
    if (value > From::MAX) fail(field, "has a value that this version does not know");
    return failed() ? To{} : static_cast<To>(value);
  }

  /// Calls take(element) for each element of a vector of tables or strings, unless there are too many.
  template <typename T, typename Take>
  void each(const flatbuffers::Vector<flatbuffers::Offset<T>>* values, std::size_t count_max, std::string_view field,
            Take take) {
    if (values == nullptr || !countable(values->size(), count_max, field)) return;
    for (flatbuffers::uoffset_t i = 0; i < values->size() && !failed(); ++i) take(*values->Get(i));
  }

  void fail(std::string_view field, std::string_view what);
  [[nodiscard]] bool failed() const noexcept { return problem_.has_value(); }
  /// Only after failed().
  [[nodiscard]] const Error& error() const { return *problem_; }

 private:
  bool countable(std::size_t count, std::size_t count_max, std::string_view field);
  bool spend(std::size_t bytes, std::string_view field);

  std::optional<Error> problem_;
  std::size_t budget_ = limits::kEnvelopeDecodedMax;
};

}  // namespace flame::wire
