// Fields of what becomes a table: described structs (by name), plain aggregates, tuples and pairs (by position).
#pragma once

#include <cstddef>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <boost/pfr/core.hpp>

#include <flame/detail/traits.hpp>

namespace flame::detail {

template <std::size_t I>
inline constexpr auto position_text = [] {
  FixedText<std::size_t{2} + (I > 9 ? 1 : 0) + (I > 99 ? 1 : 0)> result;
  std::size_t at = 0;
  result.text[at++] = 'f';
  if (I > 99) result.text[at++] = static_cast<char>('0' + I / 100);
  if (I > 9) result.text[at++] = static_cast<char>('0' + I / 10 % 10);
  result.text[at] = static_cast<char>('0' + I % 10);
  return result;
}();

/// "f0", "f1", …
template <std::size_t I>
constexpr std::string_view position_name() {
  return position_text<I>.view();
}

template <class List>
struct DescriptorTuple;
template <template <class...> class L, class... D>
struct DescriptorTuple<L<D...>> {
  using Type = std::tuple<D...>;
};

/// count; Field<I>; get<I>(value) → reference; name<I>().
template <class T>
struct Shape;

template <DescribedStruct T>
struct Shape<T> {
  using Members = typename DescriptorTuple<
      boost::describe::describe_members<T, boost::describe::mod_any_access | boost::describe::mod_inherited>>::Type;
  static constexpr std::size_t count = std::tuple_size_v<Members>;
  template <std::size_t I>
  static constexpr auto& get(auto& value) {
    return value.*std::tuple_element_t<I, Members>::pointer;
  }
  template <std::size_t I>
  using Field = std::remove_cvref_t<decltype(get<I>(std::declval<T&>()))>;
  template <std::size_t I>
  static constexpr std::string_view name() {
    return std::tuple_element_t<I, Members>::name;
  }
};

template <PlainAggregate T>
struct Shape<T> {
  static constexpr std::size_t count = boost::pfr::tuple_size_v<T>;
  template <std::size_t I>
  static constexpr auto& get(auto& value) {
    return boost::pfr::get<I>(value);
  }
  template <std::size_t I>
  using Field = std::remove_cvref_t<boost::pfr::tuple_element_t<I, T>>;
  template <std::size_t I>
  static constexpr std::string_view name() {
    return position_name<I>();
  }
};

template <TupleLike T>
struct Shape<T> {
  static constexpr std::size_t count = std::tuple_size_v<T>;
  template <std::size_t I>
  static constexpr auto& get(auto& value) {
    return std::get<I>(value);
  }
  template <std::size_t I>
  using Field = std::tuple_element_t<I, T>;
  template <std::size_t I>
  static constexpr std::string_view name() {
    return position_name<I>();
  }
};

}  // namespace flame::detail
