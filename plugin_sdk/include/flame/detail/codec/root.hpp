// The two root tables of a signature, over all families of the mapping.
#pragma once

#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

#include <flame/detail/codec/attachment.hpp>
#include <flame/detail/codec/flat_object.hpp>
#include <flame/detail/codec/list.hpp>
#include <flame/detail/codec/map.hpp>
#include <flame/detail/codec/object.hpp>
#include <flame/detail/codec/optional.hpp>
#include <flame/detail/codec/record.hpp>
#include <flame/detail/codec/scalar.hpp>
#include <flame/detail/codec/text.hpp>
#include <flame/detail/codec/variant.hpp>
#include <flame/detail/names.hpp>
#include <flame/detail/shape.hpp>
#include <flame/detail/signature.hpp>

namespace flame::detail {

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
