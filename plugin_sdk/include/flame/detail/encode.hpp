// C++ values into an Encoder, by the mapping that describe.hpp describes.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <flame/detail/describe.hpp>
#include <flame/detail/encoder.hpp>
#include <flame/detail/flat_object.hpp>

namespace flame::detail {

static_assert(std::endian::native == std::endian::little, "flame: payloads are copied from memory as they are");

/// Bits of an arithmetic value, zero-extended from its size.
template <Scalar T>
std::uint64_t scalar_bits(T value) {
  if constexpr (std::is_same_v<T, float>) {
    return std::bit_cast<std::uint32_t>(value);
  } else if constexpr (std::is_same_v<T, double>) {
    return std::bit_cast<std::uint64_t>(value);
  } else if constexpr (std::is_same_v<T, bool>) {
    return value ? 1 : 0;
  } else {
    return static_cast<std::uint64_t>(value);
  }
}

template <InlineValue T>
std::uint64_t inline_bits(Encoder& out, const T& value) {
  if constexpr (Scalar<T>) {
    return scalar_bits(value);
  } else if constexpr (Enumeration<T>) {
    return scalar_bits(static_cast<EnumBase<T>>(value));
  } else if constexpr (Period<T>) {
    return scalar_bits(value.count());
  } else if constexpr (SystemTime<T>) {
    return scalar_bits(value.time_since_epoch().count());
  } else if constexpr (TrackedHandle<T>) {
    return value ? out.track(value.handle(), type_name<typename T::Type>()) : 0;
  } else if constexpr (Attachment<T>) {
    return out.attach(value);
  } else {
    return 1;  // std::monostate: its presence is the information
  }
}

template <class T>
inline constexpr std::size_t inline_size_of = inline_size(desc_of<T>.kind);

template <class T>
void put_value(Encoder& out, std::size_t reference, const T& value);

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

template <class T>
void put_shape(Encoder& out, std::size_t reference, const T& value) {
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    put_table(out, reference, Shape<T>::template get<I>(value)...);
  }
  (std::make_index_sequence<Shape<T>::count>());
}

template <class A>
void put_alternative(Encoder& out, std::size_t reference, std::size_t index, const A& value) {
  out.begin_table();
  if constexpr (InlineValue<A>) {
    out.add_inline(index, inline_bits(out, value), inline_size_of<A>);
    out.commit_table(reference);
  } else {
    out.add_reference(index);
    const std::size_t inner = out.reference_at(out.commit_table(reference), index);
    if constexpr (OptionalLike<A>) {
      put_wrapped(out, inner, value);
    } else {
      put_value(out, inner, value);
    }
  }
  out.end_table();
}

template <VariantLike T>
void put_variant(Encoder& out, std::size_t reference, const T& value) {
  if (value.valueless_by_exception()) Encoder::fail_valueless();
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    ((value.index() == I ? put_alternative(out, reference, I, get<I>(value)) : void()), ...);
  }
  (std::make_index_sequence<Alternatives<T>::count>());
}

template <class T>
void put_element(Encoder& out, std::size_t reference, const T& value) {
  if constexpr (DirectElement<T>) {
    put_value(out, reference, value);
  } else {
    put_wrapped(out, reference, value);
  }
}

/// Numbers of one size that lie in memory as they travel; not bool, whose bytes have to be 0 or 1.
template <class T>
concept CopiedElement = Scalar<T> && !std::same_as<T, bool>;

template <class T>
void put_sequence(Encoder& out, std::size_t reference, const T& values, std::size_t count) {
  using Element = typename T::value_type;
  if constexpr (CopiedElement<Element> && requires { values.data(); }) {
    out.put_vector_of(reference, values.data(), count, sizeof(Element));
  } else {
    constexpr std::size_t kSize = element_size_of<Element>;
    std::size_t at = out.put_vector(reference, count, kSize);
    for (const auto& value : values) {
      if constexpr (InlineValue<Element>) {
        out.store(at, inline_bits<Element>(out, value), kSize);
      } else {
        put_element(out, at, value);
      }
      at += kSize;
    }
  }
}

template <class T>
concept SortsByLess = requires {
  typename T::key_compare;
}
&&(std::same_as<typename T::key_compare, std::less<typename T::key_type>> ||
   std::same_as<typename T::key_compare, std::less<>>);

/// Pointers to the elements in ascending order of their keys, so that equal maps have equal bytes and LookupByKey
/// works.
template <class T>
std::vector<const void*> ordered(const T& values) {
  using Key = typename T::key_type;
  using Element = typename T::value_type;
  std::vector<const void*> pointers;
  pointers.reserve(values.size());
  for (const Element& value : values) pointers.push_back(&value);
  static_assert(
      requires(const Key& a, const Key& b) { a < b; },
      "flame: the keys of an unordered container need operator<, because they travel sorted");
  if constexpr (!SortsByLess<T>) {
    sort_pointers(pointers.data(), pointers.size(), [](const void* a, const void* b) {
      if constexpr (MapLike<T>) {
        return static_cast<const Element*>(a)->first < static_cast<const Element*>(b)->first;
      } else {
        return *static_cast<const Element*>(a) < *static_cast<const Element*>(b);
      }
    });
  }
  return pointers;
}

template <MapLike T>
void put_map(Encoder& out, std::size_t reference, const T& values) {
  std::size_t at = out.put_vector(reference, values.size(), 4);
  for (const void* pointer : ordered(values)) {
    const auto& entry = *static_cast<const typename T::value_type*>(pointer);
    put_table<true>(out, at, entry.first, entry.second);  // readers in other languages require the key
    at += 4;
  }
}

template <SetLike T>
void put_set(Encoder& out, std::size_t reference, const T& values) {
  using Key = typename T::key_type;
  constexpr std::size_t kSize = element_size_of<Key>;
  std::size_t at = out.put_vector(reference, values.size(), kSize);
  for (const void* pointer : ordered(values)) {
    const Key& key = *static_cast<const Key*>(pointer);
    if constexpr (InlineValue<Key>) {
      out.store(at, inline_bits(out, key), kSize);
    } else {
      put_element(out, at, key);
    }
    at += kSize;
  }
}

template <class T>
void put_value(Encoder& out, std::size_t reference, const T& value) {
  if constexpr (Text<T>) {
    out.put_string(reference, value);
  } else if constexpr (PathLike<T>) {
    out.put_string(reference, value.native());
  } else if constexpr (VectorLike<T>) {
    put_sequence(out, reference, value, value.size());
  } else if constexpr (ArrayLike<T>) {
    put_sequence(out, reference, value, std::tuple_size_v<T>);
  } else if constexpr (FlatObject<T>) {
    put_flat_object(out, reference, value);
  } else if constexpr (MapLike<T>) {
    put_map(out, reference, value);
  } else if constexpr (SetLike<T>) {
    put_set(out, reference, value);
  } else if constexpr (VariantLike<T>) {
    put_variant(out, reference, value);
  } else {
    put_shape(out, reference, value);
  }
}

}  // namespace flame::detail
