// Structs, described or plain, and tuples: tables with one field per member.
#pragma once

#include <cstddef>
#include <string_view>
#include <type_traits>
#include <utility>

#include <flame/detail/codec/optional.hpp>
#include <flame/detail/names.hpp>
#include <flame/detail/shape.hpp>

namespace flame::detail {

template <class T, class Index>
struct ShapeFields;
template <class T, std::size_t... I>
struct ShapeFields<T, std::index_sequence<I...>> {
  template <std::size_t N>
  using Part = OptionalPart<typename Shape<T>::template Field<N>>;
  static constexpr FieldArray<sizeof...(I)> kValue = {
      FieldDesc{Shape<T>::template name<I>(), &desc_of<typename Part<I>::Type>, Part<I>::optional}...};
};

/// The compilers print template arguments differently, so instances are named after the field that uses them.
template <class T>
constexpr std::string_view record_name() {
  return TupleLike<T> || raw_type_name<T>.find('<') != std::string_view::npos ? std::string_view() : type_name<T>();
}

template <Record T>
inline constexpr TypeDesc desc_of<T> = {
    .kind = Kind::table,
    .name = record_name<T>(),
    .id = TupleLike<T> ? 0 : fnv1a(raw_type_name<T>),
    .fields = ShapeFields<T, std::make_index_sequence<Shape<T>::count>>::kValue.data(),
    .field_count = Shape<T>::count};

template <Record T>
void put_value(Encoder& out, std::size_t reference, const T& value) {
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    put_table(out, reference, Shape<T>::template get<I>(value)...);
  }
  (std::make_index_sequence<Shape<T>::count>());
}

template <Record T>
T get_value(Decoder& in, std::size_t table) {
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

}  // namespace flame::detail
