// std::variant: a table with exactly one field present.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

#include <flame/detail/codec/optional.hpp>
#include <flame/detail/shape.hpp>

namespace flame::detail {

/// What a variant's field holds: an optional alternative would have two ways to be absent, so it is wrapped.
template <class T>
struct AlternativePart {
  static_assert(CheckedValue<T>::value);
  using Type = std::conditional_t<OptionalLike<T>, Wrapped<T>, T>;
};

template <class T, class Index>
struct VariantFields;
template <class T, std::size_t... I>
struct VariantFields<T, std::index_sequence<I...>> {
  static constexpr FieldArray<sizeof...(I)> kValue = {FieldDesc{
      position_name<I>(), &desc_of<typename AlternativePart<typename Alternatives<T>::template At<I>>::Type>, true}...};
};

template <VariantLike T>
inline constexpr TypeDesc desc_of<T> = {
    .kind = Kind::table,
    .role = Role::variant,
    .fields = VariantFields<T, std::make_index_sequence<Alternatives<T>::count>>::kValue.data(),
    .field_count = Alternatives<T>::count};

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
void put_value(Encoder& out, std::size_t reference, const T& value) {
  if (value.valueless_by_exception()) Encoder::fail_valueless();
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    ((value.index() == I ? put_alternative(out, reference, I, get<I>(value)) : void()), ...);
  }
  (std::make_index_sequence<Alternatives<T>::count>());
}

template <VariantLike T>
T get_value(Decoder& in, std::size_t table) {
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

}  // namespace flame::detail
