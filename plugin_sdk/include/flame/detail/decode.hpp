// C++ values out of a verified payload: the mirror image of encode.hpp.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <flame/detail/decoder.hpp>
#include <flame/detail/describe.hpp>
#include <flame/detail/encode.hpp>
#include <flame/detail/flat_object.hpp>

namespace flame::detail {

/// The object at `position`; 0: the zero or empty value.
template <class T>
T get_value(Decoder& in, std::size_t position);

template <InlineValue T>
T get_inline(Decoder& in, std::size_t at) {
  if constexpr (std::is_same_v<T, bool>) {
    return at != 0 && in.load<std::uint8_t>(at) != 0;
  } else if constexpr (Scalar<T>) {
    return at == 0 ? T{} : in.load<T>(at);
  } else if constexpr (Enumeration<T>) {
    using Base = EnumBase<T>;
    return static_cast<T>(at == 0 ? static_cast<Base>(default_bits(desc_of<T>)) : in.load<Base>(at));
  } else if constexpr (Period<T>) {
    return T(get_inline<typename T::rep>(in, at));
  } else if constexpr (SystemTime<T>) {
    return T(typename T::duration(get_inline<typename T::rep>(in, at)));
  } else if constexpr (TrackedHandle<T>) {
    return T(in.tracked(get_inline<std::uint32_t>(in, at), type_name<typename T::Type>()));
  } else if constexpr (Attachment<T>) {
    return in.attachment(get_inline<std::uint32_t>(in, at));
  } else {
    return T{};
  }
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

template <class T>
T get_shape(Decoder& in, std::size_t table) {
  T value{};
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    [[maybe_unused]] const auto one = [&]<std::size_t N>(std::integral_constant<std::size_t, N>) {
      in.enter(Shape<T>::template name<N>());
      Shape<T>::template get<N>(value) = get_field<typename Shape<T>::template Field<N>>(in, table, N);
      in.leave();
    };
    (one(std::integral_constant<std::size_t, I>()), ...);
  }
  (std::make_index_sequence<Shape<T>::count>());
  return value;
}

template <VariantLike T>
T get_variant(Decoder& in, std::size_t table) {
  T value{};
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    [[maybe_unused]] const auto one = [&]<std::size_t N>(std::integral_constant<std::size_t, N>) {
      using A = typename Alternatives<T>::template At<N>;
      const std::size_t at = in.field(table, N);
      if (at == 0) return;
      if constexpr (OptionalLike<A>) {
        value.template emplace<N>(get_wrapped<A>(in, in.follow(at)));
      } else {
        value.template emplace<N>(get_part<A>(in, at));
      }
    };
    (one(std::integral_constant<std::size_t, I>()), ...);
  }
  (std::make_index_sequence<Alternatives<T>::count>());
  return value;
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
T get_vector(Decoder& in, std::size_t vector) {
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
T get_array(Decoder& in, std::size_t vector) {
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

template <MapLike T>
T get_map(Decoder& in, std::size_t vector) {
  T values;
  const std::size_t count = in.count(vector);
  for (std::size_t i = 0, at = vector + 4; i < count; ++i, at += 4) {
    const std::size_t entry = in.follow(at);
    auto key = get_field<typename T::key_type>(in, entry, 0);
    values.emplace(std::move(key), get_field<typename T::mapped_type>(in, entry, 1));
  }
  if (values.size() != count) in.fail_repeated();
  return values;
}

template <SetLike T>
T get_set(Decoder& in, std::size_t vector) {
  using Key = typename T::key_type;
  T values;
  const std::size_t count = in.count(vector);
  for (std::size_t i = 0, at = vector + 4; i < count; ++i, at += element_size_of<Key>) {
    values.emplace(get_element<Key>(in, at));
  }
  if (values.size() != count) in.fail_repeated();
  return values;
}

template <FlatObject T>
T get_flat(Decoder& in, std::size_t vector) {
  T value{};
  if (vector == 0) return value;
  const std::size_t size = in.count(vector);
  const Bytes aligned(in.bytes(vector + 4), size);  // a sender in another language need not have aligned it
  if (!get_flat_object(aligned.data(), size, kPayloadDepthMax, value)) in.fail_nested();
  return value;
}

template <class T>
T get_value(Decoder& in, std::size_t position) {
  if constexpr (Text<T> || PathLike<T>) {
    return T(std::string(in.text(position)));
  } else if constexpr (VectorLike<T>) {
    return get_vector<T>(in, position);
  } else if constexpr (ArrayLike<T>) {
    return get_array<T>(in, position);
  } else if constexpr (FlatObject<T>) {
    return get_flat<T>(in, position);
  } else if constexpr (MapLike<T>) {
    return get_map<T>(in, position);
  } else if constexpr (SetLike<T>) {
    return get_set<T>(in, position);
  } else if constexpr (VariantLike<T>) {
    return get_variant<T>(in, position);
  } else {
    return get_shape<T>(in, position);
  }
}

}  // namespace flame::detail
