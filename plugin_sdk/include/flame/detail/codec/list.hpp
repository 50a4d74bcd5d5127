// std::vector and std::array.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstring>
#include <tuple>
#include <type_traits>

#include <flame/detail/codec/optional.hpp>

namespace flame::detail {

/// What stands in a vector for an element of type T.
template <class T>
struct ElementPart {
  static_assert(CheckedValue<T>::value);
  using Type = std::conditional_t<DirectElement<T>, T, Wrapped<T>>;
};
template <class T>
inline constexpr std::size_t element_size_of = inline_size(desc_of<typename ElementPart<T>::Type>.kind);

template <VectorLike T>
inline constexpr TypeDesc desc_of<T> = {.kind = Kind::vector,
                                        .element = &desc_of<typename ElementPart<typename T::value_type>::Type>};
template <ArrayLike T>
inline constexpr TypeDesc desc_of<T> = {.kind = Kind::vector,
                                        .sized = true,
                                        .element = &desc_of<typename ElementPart<typename T::value_type>::Type>,
                                        .length = std::tuple_size_v<T>};

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

template <VectorLike T>
void put_value(Encoder& out, std::size_t reference, const T& value) {
  put_sequence(out, reference, value, value.size());
}
template <ArrayLike T>
void put_value(Encoder& out, std::size_t reference, const T& value) {
  put_sequence(out, reference, value, std::tuple_size_v<T>);
}

template <class T>
T get_element(Decoder& in, std::size_t at) {
  if constexpr (DirectElement<T>) {
    return get_part<T>(in, at);
  } else {
    return get_wrapped<T>(in, in.follow(at));
  }
}

template <VectorLike T>
T get_value(Decoder& in, std::size_t vector) {
  using Element = typename T::value_type;
  const std::size_t count = in.count(vector);
  T values;
  if (count == 0) return values;
  std::size_t at = vector + 4;
  if constexpr (CopiedElement<Element>) {
    values.resize(count);
    std::memcpy(values.data(), in.bytes(at), count * sizeof(Element));
  } else {
    values.reserve(count);
    for (std::size_t i = 0; i < count; ++i, at += element_size_of<Element>) {
      values.push_back(get_element<Element>(in, at));
    }
  }
  return values;
}

template <ArrayLike T>
T get_value(Decoder& in, std::size_t vector) {
  using Element = typename T::value_type;
  T values{};
  if (in.count(vector) != values.size()) return values;  // only when it is absent
  std::size_t at = vector + 4;
  for (Element& value : values) {
    value = get_element<Element>(in, at);
    at += element_size_of<Element>;
  }
  return values;
}

}  // namespace flame::detail
