// Numbers, enumerations, durations and times.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include <flame/detail/codec/description.hpp>
#include <flame/detail/names.hpp>
#include <flame/detail/traits.hpp>

namespace flame::detail {

template <class T>
constexpr Kind scalar_kind() {
  if constexpr (std::is_same_v<T, bool>) {
    return Kind::boolean;
  } else if constexpr (std::is_floating_point_v<T>) {
    return sizeof(T) == 4 ? Kind::float32 : Kind::float64;
  } else if constexpr (std::is_signed_v<T>) {
    return sizeof(T) == 1 ? Kind::int8 : sizeof(T) == 2 ? Kind::int16 : sizeof(T) == 4 ? Kind::int32 : Kind::int64;
  } else {
    return sizeof(T) == 1 ? Kind::uint8 : sizeof(T) == 2 ? Kind::uint16 : sizeof(T) == 4 ? Kind::uint32 : Kind::uint64;
  }
}

/// bool-based enumerations are bytes: FlatBuffers knows no others.
template <class E>
using EnumBase =
    std::conditional_t<std::is_same_v<std::underlying_type_t<E>, bool>, std::uint8_t, std::underlying_type_t<E>>;

template <class List>
struct EnumTable;
template <template <class...> class L, class... D>
struct EnumTable<L<D...>> {
  static_assert(sizeof...(D) > 0, "flame: a described enumeration needs at least one enumerator");
  struct Sorted {
    std::array<EnumValue, sizeof...(D)> values{};
    std::size_t count = 0;
  };
  // Ascending as signed or unsigned numbers; of two names for one value the first is kept.
  template <class Base>
  static constexpr Sorted sorted() {
    Sorted result;
    const auto insert = [&result](std::string_view name, Base value) {
      std::size_t at = result.count;
      for (std::size_t i = 0; i < result.count; ++i) {
        const auto other = static_cast<Base>(result.values[i].value);
        if (other == value) return;
        if (other > value && at == result.count) at = i;
      }
      for (std::size_t i = result.count; i > at; --i) result.values[i] = result.values[i - 1];
      result.values[at] = {name, static_cast<std::uint64_t>(value)};
      ++result.count;
    };
    (insert(D::name, static_cast<Base>(D::value)), ...);
    return result;
  }
};
template <class E>
inline constexpr auto enum_table = EnumTable<boost::describe::describe_enumerators<E>>::template sorted<EnumBase<E>>();

template <Scalar T>
inline constexpr TypeDesc desc_of<T> = {.kind = scalar_kind<T>()};
template <Enumeration T>
constexpr TypeDesc make_enum() {
  TypeDesc desc{.kind = scalar_kind<EnumBase<T>>()};
  if constexpr (DescribedEnum<T>) {
    desc.role = Role::enumeration;
    desc.name = type_name<T>();
    desc.id = fnv1a(raw_type_name<T>);
    desc.values = enum_table<T>.values.data();
    desc.value_count = enum_table<T>.count;
  }
  return desc;
}
template <Enumeration T>
inline constexpr TypeDesc desc_of<T> = make_enum<T>();

template <class T>
concept TimeValue = Period<T> || SystemTime<T>;

template <TimeValue T>
inline constexpr TypeDesc desc_of<T> = {.kind = scalar_kind<typename T::rep>(),
                                        .role = Period<T> ? Role::duration : Role::time_point,
                                        .unit_num = T::period::num,
                                        .unit_den = T::period::den};
// Its presence is the information.
template <Monostate T>
inline constexpr TypeDesc desc_of<T> = {.kind = Kind::boolean};

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

template <Scalar T>
std::uint64_t inline_bits(Encoder&, const T& value) {
  return scalar_bits(value);
}
template <Enumeration T>
std::uint64_t inline_bits(Encoder&, const T& value) {
  return scalar_bits(static_cast<EnumBase<T>>(value));
}
template <Period T>
std::uint64_t inline_bits(Encoder&, const T& value) {
  return scalar_bits(value.count());
}
template <SystemTime T>
std::uint64_t inline_bits(Encoder&, const T& value) {
  return scalar_bits(value.time_since_epoch().count());
}
template <Monostate T>
std::uint64_t inline_bits(Encoder&, const T&) {
  return 1;
}

template <Scalar T>
T get_inline(Decoder& in, std::size_t at) {
  if constexpr (std::is_same_v<T, bool>) {
    return at != 0 && in.load<std::uint8_t>(at) != 0;
  } else {
    return at == 0 ? T{} : in.load<T>(at);
  }
}
template <Enumeration T>
T get_inline(Decoder& in, std::size_t at) {
  using Base = EnumBase<T>;
  return static_cast<T>(at == 0 ? static_cast<Base>(default_bits(desc_of<T>)) : in.load<Base>(at));
}
template <Period T>
T get_inline(Decoder& in, std::size_t at) {
  return T(get_inline<typename T::rep>(in, at));
}
template <SystemTime T>
T get_inline(Decoder& in, std::size_t at) {
  return T(typename T::duration(get_inline<typename T::rep>(in, at)));
}
template <Monostate T>
T get_inline(Decoder&, std::size_t) {
  return T{};
}

}  // namespace flame::detail
