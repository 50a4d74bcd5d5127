// Fields of tables, which are there or not: std::optional, what reads as absent, and the table that wraps what cannot
// be absent by itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>

#include <flame/detail/codec/description.hpp>

namespace flame::detail {

/// A table with the one field `v` around an element that cannot stand in a vector or optional by itself.
template <class T>
struct Wrapped {
  Wrapped() = delete;
};
/// What a field of type T holds when it is there.
template <class T>
struct OptionalPart {
  static_assert(CheckedValue<T>::value);
  using Type = T;
  static constexpr bool optional = false;
};
template <OptionalLike T>
struct OptionalPart<T> {
  using Inner = typename T::value_type;
  static_assert(CheckedValue<Inner>::value);
  using Type = std::conditional_t<OptionalLike<Inner>, Wrapped<Inner>, Inner>;
  static constexpr bool optional = true;
};

template <class T>
inline constexpr FieldArray<1> wrapped_fields = {
    FieldDesc{"v", &desc_of<typename OptionalPart<T>::Type>, OptionalPart<T>::optional}};

template <class T>
inline constexpr TypeDesc desc_of<Wrapped<T>> = {
    .kind = Kind::table, .fields = wrapped_fields<T>.data(), .field_count = 1};

/// Whether a field that is no optional may be left out: it reads back as the same value.
template <class T>
bool reads_as_absent(const T& value) {
  if constexpr (Text<T>) {
    return value.empty();
  } else if constexpr (PathLike<T>) {
    return value.native().empty();
  } else if constexpr (VectorLike<T> || MapLike<T> || SetLike<T>) {
    return value.begin() == value.end();
  } else {
    return false;
  }
}

// A field in two steps: its place in the table, then what it refers to. `forced` fields are written even when empty.
template <class T>
bool is_present(const T& value, bool forced) {
  if constexpr (OptionalLike<T>) {
    return value.has_value();
  } else {
    return forced || !reads_as_absent(value);
  }
}

template <class T>
void add_field(Encoder& out, std::size_t index, const T& value, bool forced) {
  using Part = typename OptionalPart<T>::Type;
  if constexpr (InlineValue<Part>) {
    if constexpr (OptionalLike<T>) {
      if (value.has_value()) out.add_inline(index, inline_bits<Part>(out, *value), inline_size_of<Part>);
    } else {
      const std::uint64_t bits = inline_bits(out, value);
      constexpr std::uint64_t kDefault = default_bits(desc_of<Part>);
      if (forced || bits != kDefault) out.add_inline(index, bits, inline_size_of<Part>);
    }
  } else if (is_present(value, forced)) {
    out.add_reference(index);
  }
}

template <class T>
void put_wrapped(Encoder& out, std::size_t reference, const T& value);

template <class T>
void fill_field(Encoder& out, std::size_t table, std::size_t index, const T& value, bool forced) {
  if constexpr (!InlineValue<typename OptionalPart<T>::Type>) {
    if (!is_present(value, forced)) return;
    const std::size_t reference = out.reference_at(table, index);
    if constexpr (!OptionalLike<T>) {
      put_value(out, reference, value);
    } else if constexpr (OptionalLike<typename T::value_type>) {
      put_wrapped(out, reference, *value);
    } else {
      put_value(out, reference, *value);
    }
  }
}

template <bool Forced = false, class... T>
void put_table(Encoder& out, std::size_t reference, const T&... fields) {
  out.begin_table();
  std::size_t index = 0;
  (add_field(out, index++, fields, Forced), ...);
  [[maybe_unused]] const std::size_t table = out.commit_table(reference);
  index = 0;
  (fill_field(out, table, index++, fields, Forced), ...);
  out.end_table();
}

template <class T>
void put_wrapped(Encoder& out, std::size_t reference, const T& value) {
  put_table(out, reference, value);
}

/// A field that is no optional, or the inside of one; `at` is where its bits or its offset are.
template <class T>
T get_part(Decoder& in, std::size_t at) {
  if constexpr (InlineValue<T>) {
    return get_inline<T>(in, at);
  } else {
    return get_value<T>(in, in.follow(at));
  }
}

template <class T>
T get_field(Decoder& in, std::size_t table, std::size_t index);

template <class T>
T get_wrapped(Decoder& in, std::size_t table) {
  return get_field<T>(in, table, 0);
}

template <class T>
T get_field(Decoder& in, std::size_t table, std::size_t index) {
  const std::size_t at = in.field(table, index);
  if constexpr (OptionalLike<T>) {
    using Inner = typename T::value_type;
    if (at == 0) return std::nullopt;
    if constexpr (OptionalLike<Inner>) {
      return T(std::in_place, get_wrapped<Inner>(in, in.follow(at)));
    } else {
      return T(std::in_place, get_part<Inner>(in, at));
    }
  } else {
    return get_part<T>(in, at);
  }
}

}  // namespace flame::detail
