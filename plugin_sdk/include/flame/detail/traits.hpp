// Which family of the mapping a type belongs to. Containers are recognised by shape, so that no container header is
// included on behalf of users who do not use it.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <boost/describe/enumerators.hpp>
#include <boost/describe/members.hpp>

#include <flame/bytes.hpp>
#include <flame/detail/chrono.hpp>
#include <flame/detail/names.hpp>

namespace flame {

template <class T>
class Tracked;

namespace detail {

template <class T>
inline constexpr bool always_false = false;

template <class T>
concept Scalar = std::is_arithmetic_v<T> && sizeof(T) <= 8 && !std::same_as<T, long double>;
template <class T>
concept Enumeration = std::is_enum_v<T>;
template <class T>
concept DescribedEnum = Enumeration<T> && boost::describe::has_describe_enumerators<T>::value;

template <class T>
inline constexpr bool is_duration = false;
template <class R, class P>
inline constexpr bool is_duration<std::chrono::duration<R, P>> = true;
template <class T>
inline constexpr bool is_system_time = false;
template <class D>
inline constexpr bool is_system_time<std::chrono::time_point<std::chrono::system_clock, D>> = true;
template <class T>
concept Period = is_duration<T>;
template <class T>
concept SystemTime = is_system_time<T>;

template <class T>
inline constexpr bool is_tracked = false;
template <class T>
inline constexpr bool is_tracked<Tracked<T>> = true;
template <class T>
concept TrackedHandle = is_tracked<T>;
template <class T>
concept Attachment = std::same_as<T, Bytes>;

template <class T>
concept Text = std::same_as<T, std::string>;
/// std::filesystem::path without its header.
template <class T>
concept PathLike = !Text<T> && std::same_as<typename T::value_type, char> && std::constructible_from<T, std::string> &&
                   requires(const T& t) {
  { t.native() } -> std::same_as<const std::string&>;
};

template <class T>
inline constexpr bool is_vector = false;
template <class T, class A>
inline constexpr bool is_vector<std::vector<T, A>> = true;
template <class T>
concept VectorLike = is_vector<T>;
template <class T>
inline constexpr bool is_array = false;
template <class T, std::size_t N>
inline constexpr bool is_array<std::array<T, N>> = true;
template <class T>
concept ArrayLike = is_array<T>;

template <class T>
concept MapLike = requires(T& t) {
  typename T::key_type;
  typename T::mapped_type;
  t.emplace(std::declval<typename T::key_type>(), std::declval<typename T::mapped_type>());
  { t.size() } -> std::convertible_to<std::size_t>;
  t.begin();
};
template <class T>
concept SetLike = !MapLike<T> && !PathLike<T> && requires(T & t) {
  typename T::key_type;
  requires std::same_as<typename T::key_type, typename T::value_type>;
  t.emplace(std::declval<typename T::key_type>());
  { t.size() } -> std::convertible_to<std::size_t>;
  t.begin();
};

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;
template <class T>
concept OptionalLike = is_optional<T>;

template <class T>
inline constexpr bool is_tuple = false;
template <class... T>
inline constexpr bool is_tuple<std::tuple<T...>> = true;
template <class A, class B>
inline constexpr bool is_tuple<std::pair<A, B>> = true;
template <class T>
concept TupleLike = is_tuple<T>;

/// std::variant without its header: V<A...> that has index() and valueless_by_exception().
template <class T>
struct Alternatives {
  static constexpr bool value = false;
};
template <template <class...> class V, class... A>
requires requires(const V<A...>& v) {
  { v.index() } -> std::same_as<std::size_t>;
  { v.valueless_by_exception() } -> std::same_as<bool>;
}
struct Alternatives<V<A...>> {
  static constexpr bool value = true;
  static constexpr std::size_t count = sizeof...(A);
  template <std::size_t I>
  using At = std::tuple_element_t<I, std::tuple<A...>>;
};
template <class T>
concept VariantLike = Alternatives<T>::value;

/// A type of flatc's object API (`--gen-object-api`): it names its table.
template <class T>
concept FlatObject = requires {
  typename T::TableType;
  typename T::TableType::NativeTableType;
  requires std::same_as<typename T::TableType::NativeTableType, T>;
};

template <class T>
concept DescribedStruct =
    std::is_class_v<T> && boost::describe::has_describe_members<T>::value && !std::is_union_v<T> && !FlatObject<T>;

/// What none of the families above claims and Boost.PFR can take apart.
template <class T>
concept PlainAggregate = std::is_class_v<T> && std::is_aggregate_v<T> && !Attachment<T> && !DescribedStruct<T> &&
                         !FlatObject<T> && !ArrayLike<T> && !VariantLike<T> && !TupleLike<T> && !OptionalLike<T> &&
                         !MapLike<T> && !SetLike<T> && !PathLike<T> && !Text<T>;

/// std::monostate without its header.
template <class T>
concept Monostate = std::is_empty_v<T> && type_name<T>()
== "std::monostate";

/// Stored inside its table or vector rather than behind an offset.
template <class T>
concept InlineValue =
    Scalar<T> || Enumeration<T> || Period<T> || SystemTime<T> || TrackedHandle<T> || Attachment<T> || Monostate<T>;

/// Encoded as a table of its own.
template <class T>
concept TableValue = !Monostate<T> && (DescribedStruct<T> || PlainAggregate<T> || TupleLike<T> || VariantLike<T>);

/// A table with one field per member; what no other family claims.
template <class T>
concept Record = TableValue<T> && !VariantLike<T> && !InlineValue<T> && !PathLike<T> && !MapLike<T> && !SetLike<T>;

/// May stand in a vector as it is; others are wrapped into a table with one field.
template <class T>
concept DirectElement = InlineValue<T> || Text<T> || PathLike<T> || TableValue<T>;

}  // namespace detail
}  // namespace flame
