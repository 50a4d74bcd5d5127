// The sentences a user reads when a type of a signature cannot travel.
#pragma once

#include <memory>
#include <string_view>
#include <type_traits>

#include <flame/detail/signature.hpp>
#include <flame/detail/traits.hpp>

namespace flame::detail {

template <class T>
inline constexpr bool is_mapped = InlineValue<T> || Text<T> || PathLike<T> || VectorLike<T> || ArrayLike<T> ||
                                  MapLike<T> || SetLike<T> || OptionalLike<T> || TableValue<T> || FlatObject<T>;

/// Asserts that T itself is in the mapping; its fields and elements are checked when they are described.
template <class T>
struct CheckedValue {
  static_assert(!std::is_pointer_v<T> && !std::is_null_pointer_v<T>,
                "flame: a pointer cannot travel to another process; pass the value, std::optional or flame::Bytes");
  static_assert(!std::is_reference_v<T>, "flame: a reference member cannot travel; store the value");
  static_assert(
      !std::is_same_v<T, std::string_view>,
      "flame: std::string_view works as a parameter only; use std::string in structs, containers and results");
  static_assert(!std::is_union_v<T> && !std::is_array_v<T>,
                "flame: unions and C arrays cannot travel; use std::variant and std::array");
  static_assert(std::is_pointer_v<T> || std::is_null_pointer_v<T> || std::is_reference_v<T> || std::is_union_v<T> ||
                    std::is_array_v<T> || std::is_same_v<T, std::string_view> || is_mapped<T>,
                "flame: this type is not a plain aggregate (it has private members or constructors) and has no "
                "description; add BOOST_DESCRIBE_STRUCT or BOOST_DESCRIBE_CLASS, or pass a type of the mapping");
  static_assert(!is_mapped<T> || std::is_default_constructible_v<T>,
                "flame: a type that travels is default-constructible, because the receiver fills it in field by field");
  static_assert(!(std::is_class_v<T> || std::is_enum_v<T>) || !names_anonymous_namespace(raw_type_name<T>),
                "flame: a type in an anonymous namespace has no name that host and plugin share");
  static constexpr bool value = true;
};

template <class P>
struct CheckedParameter {
  static_assert(!std::is_lvalue_reference_v<P> || std::is_const_v<std::remove_reference_t<P>>,
                "flame: a non-const reference parameter cannot be written back to the caller; take const T& or T and "
                "return the new value");
  static constexpr bool value = CheckedValue<typename Owned<std::remove_cvref_t<P>>::Type>::value;
};

template <class List>
struct CheckedParameters;
template <class... P>
struct CheckedParameters<TypeList<P...>> {
  static constexpr bool value = (true && ... && CheckedParameter<P>::value);
};

template <class R>
struct CheckedResult {
  static constexpr bool value = CheckedValue<R>::value;
};
template <>
struct CheckedResult<void> {
  static constexpr bool value = true;
};
template <class T>
struct CheckedResult<std::unique_ptr<T>> {
  static constexpr bool value = true;
};

}  // namespace flame::detail
