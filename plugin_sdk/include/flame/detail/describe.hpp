// desc_of<T>: the TypeDesc of every type of the mapping. Only addresses of other descriptions are taken while one is
// made, so that recursive types work.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>

#include <flame/detail/checks.hpp>
#include <flame/detail/shape.hpp>
#include <flame/detail/signature.hpp>
#include <flame/detail/type_desc.hpp>

namespace flame::detail {

constexpr std::uint64_t fnv1a(std::string_view text) {
  std::uint64_t hash = 14695981039346656037u;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 1099511628211u;
  }
  return hash;
}

template <class T>
constexpr TypeDesc make_desc();
template <class T>
inline constexpr TypeDesc desc_of = make_desc<T>();

/// A table with the one field `v` around an element that cannot stand in a vector or optional by itself.
template <class T>
struct Wrapped {
  Wrapped() = delete;
};
/// A table with the fields `key` and `value`.
template <class K, class V>
struct MapEntry {
  MapEntry() = delete;
};
template <class T>
inline constexpr bool is_helper = false;
template <class T>
inline constexpr bool is_helper<Wrapped<T>> = true;
template <class K, class V>
inline constexpr bool is_helper<MapEntry<K, V>> = true;

inline constexpr TypeDesc kByteDesc{.kind = Kind::uint8};

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

/// What stands in a vector for an element of type T.
template <class T>
struct ElementPart {
  static_assert(CheckedValue<T>::value);
  using Type = std::conditional_t<DirectElement<T>, T, Wrapped<T>>;
};
template <class T>
inline constexpr std::size_t element_size_of = inline_size(desc_of<typename ElementPart<T>::Type>.kind);

/// What a variant's field holds: an optional alternative would have two ways to be absent, so it is wrapped.
template <class T>
struct AlternativePart {
  static_assert(CheckedValue<T>::value);
  using Type = std::conditional_t<OptionalLike<T>, Wrapped<T>, T>;
};

// The field lists. Addresses of descriptions are taken in variables, never in functions: clang cannot evaluate a
// function that is being instantiated, and recursive types would come to that.
template <std::size_t N>
using FieldArray = std::array<FieldDesc, N == 0 ? 1 : N>;

template <class T, class Index>
struct ShapeFields;
template <class T, std::size_t... I>
struct ShapeFields<T, std::index_sequence<I...>> {
  template <std::size_t N>
  using Part = OptionalPart<typename Shape<T>::template Field<N>>;
  static constexpr FieldArray<sizeof...(I)> kValue = {
      FieldDesc{Shape<T>::template name<I>(), &desc_of<typename Part<I>::Type>, Part<I>::optional}...};
};

template <class T, class Index>
struct VariantFields;
template <class T, std::size_t... I>
struct VariantFields<T, std::index_sequence<I...>> {
  static constexpr FieldArray<sizeof...(I)> kValue = {FieldDesc{
      position_name<I>(), &desc_of<typename AlternativePart<typename Alternatives<T>::template At<I>>::Type>, true}...};
};

template <class K, class V>
inline constexpr FieldArray<2> entry_fields = {
    FieldDesc{"key", &desc_of<typename OptionalPart<K>::Type>, OptionalPart<K>::optional},
    FieldDesc{"value", &desc_of<typename OptionalPart<V>::Type>, OptionalPart<V>::optional}};
template <class T>
inline constexpr FieldArray<1> wrapped_fields = {
    FieldDesc{"v", &desc_of<typename OptionalPart<T>::Type>, OptionalPart<T>::optional}};

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

template <class T>
constexpr TypeDesc user_table(const FieldDesc* fields, std::size_t count) {
  TypeDesc desc{.kind = Kind::table, .id = fnv1a(raw_type_name<T>), .fields = fields, .field_count = count};
  // The compilers print template arguments differently, so instances are named after the field that uses them.
  if (raw_type_name<T>.find('<') == std::string_view::npos) desc.name = type_name<T>();
  return desc;
}

template <class T>
constexpr TypeDesc make_time(Role role) {
  return {.kind = scalar_kind<typename T::rep>(), .role = role, .unit_num = T::period::num, .unit_den = T::period::den};
}

template <class T>
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

template <class T>
constexpr TypeDesc make_inline() {
  if constexpr (Scalar<T>) {
    return {.kind = scalar_kind<T>()};
  } else if constexpr (Enumeration<T>) {
    return make_enum<T>();
  } else if constexpr (Period<T>) {
    return make_time<T>(Role::duration);
  } else if constexpr (SystemTime<T>) {
    return make_time<T>(Role::time_point);
  } else if constexpr (TrackedHandle<T>) {
    return {.kind = Kind::uint32, .role = Role::tracked, .name = type_name<typename T::Type>()};
  } else if constexpr (Attachment<T>) {
    return {.kind = Kind::uint32, .role = Role::attachment};
  } else {
    return {.kind = Kind::boolean};
  }
}

/// flatc's (key) goes with numbers and strings.
template <class K>
inline constexpr bool is_fbs_key = Scalar<K> || Enumeration<K> || Period<K> || SystemTime<K> || Text<K> || PathLike<K>;

template <class T>
struct TableDesc {
  static constexpr TypeDesc make() {
    if constexpr (VariantLike<T>) {
      return {.kind = Kind::table,
              .role = Role::variant,
              .fields = VariantFields<T, std::make_index_sequence<Alternatives<T>::count>>::kValue.data(),
              .field_count = Alternatives<T>::count};
    } else if constexpr (TupleLike<T>) {
      return {.kind = Kind::table,
              .fields = ShapeFields<T, std::make_index_sequence<Shape<T>::count>>::kValue.data(),
              .field_count = Shape<T>::count};
    } else {
      return user_table<T>(ShapeFields<T, std::make_index_sequence<Shape<T>::count>>::kValue.data(), Shape<T>::count);
    }
  }
};
template <class T>
struct TableDesc<Wrapped<T>> {
  static constexpr TypeDesc make() {
    return {.kind = Kind::table, .fields = wrapped_fields<T>.data(), .field_count = 1};
  }
};
template <class K, class V>
struct TableDesc<MapEntry<K, V>> {
  static constexpr TypeDesc make() {
    return {.kind = Kind::table,
            .role = Role::entry,
            .has_key = is_fbs_key<K>,
            .fields = entry_fields<K, V>.data(),
            .field_count = 2};
  }
};

template <class T>
constexpr TypeDesc make_desc() {
  if constexpr (is_helper<T>) {
    return TableDesc<T>::make();
  } else if constexpr (InlineValue<T>) {
    return make_inline<T>();
  } else if constexpr (Text<T> || PathLike<T>) {
    return {.kind = Kind::string};
  } else if constexpr (VectorLike<T>) {
    return {.kind = Kind::vector, .element = &desc_of<typename ElementPart<typename T::value_type>::Type>};
  } else if constexpr (ArrayLike<T>) {
    return {.kind = Kind::vector,
            .sized = true,
            .element = &desc_of<typename ElementPart<typename T::value_type>::Type>,
            .length = std::tuple_size_v<T>};
  } else if constexpr (FlatObject<T>) {
    return {
        .kind = Kind::vector, .role = Role::nested, .name = type_name<typename T::TableType>(), .element = &kByteDesc};
  } else if constexpr (MapLike<T>) {
    return {.kind = Kind::vector, .element = &desc_of<MapEntry<typename T::key_type, typename T::mapped_type>>};
  } else if constexpr (SetLike<T>) {
    return {
        .kind = Kind::vector, .role = Role::set, .element = &desc_of<typename ElementPart<typename T::key_type>::Type>};
  } else {
    return TableDesc<T>::make();
  }
}

/// The result: no field for void, the position of the object for a child factory.
template <class R>
struct ReturnDesc {
  static constexpr FieldArray<1> kFields = {
      FieldDesc{"value", &desc_of<typename OptionalPart<R>::Type>, OptionalPart<R>::optional}};
  static constexpr std::size_t kCount = 1;
};
template <>
struct ReturnDesc<void> {
  static constexpr FieldArray<1> kFields = {};
  static constexpr std::size_t kCount = 0;
};
template <class T>
struct ReturnDesc<std::unique_ptr<T>> {
  static constexpr TypeDesc kChild{.kind = Kind::uint32, .role = Role::child, .name = type_name<T>()};
  static constexpr FieldArray<1> kFields = {FieldDesc{"value", &kChild, false}};
  static constexpr std::size_t kCount = 1;
};

template <class Index, class... A>
struct CallFields;
template <std::size_t... I, class... A>
struct CallFields<std::index_sequence<I...>, A...> {
  template <class P>
  using Part = OptionalPart<typename Owned<std::remove_cvref_t<P>>::Type>;
  static constexpr FieldArray<sizeof...(A)> kValue = {
      FieldDesc{position_name<I>(), &desc_of<typename Part<A>::Type>, Part<A>::optional}...};
};

/// The two root tables of a signature.
template <class R, class List>
struct RootDesc;
template <class R, class... A>
struct RootDesc<R, TypeList<A...>> {
  static constexpr TypeDesc kCall{.kind = Kind::table,
                                  .name = "Call",
                                  .id = fnv1a("flame Call"),
                                  .fields = CallFields<std::index_sequence_for<A...>, A...>::kValue.data(),
                                  .field_count = sizeof...(A)};
  static constexpr TypeDesc kReturn{.kind = Kind::table,
                                    .name = "Return",
                                    .id = fnv1a("flame Return"),
                                    .fields = ReturnDesc<R>::kFields.data(),
                                    .field_count = ReturnDesc<R>::kCount};
};

}  // namespace flame::detail
