// Types of flatc's object API, embedded as a nested buffer. flatbuffers is never included here: its builder and
// verifier are named through the members of the generated type.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <flame/detail/encoder.hpp>
#include <flame/detail/flat_walk.hpp>
#include <flame/detail/traits.hpp>

namespace flame::detail {

template <class Member>
struct VerifierOf;
template <class Table, class V>
struct VerifierOf<bool (Table::*)(V&) const> {
  using Type = V;
};

/// Without its type table nothing bounds what a received buffer decodes to.
template <class Table>
concept HasTypeTable = requires {
  *Table::MiniReflectTypeTable();
};

template <FlatObject T>
struct FlatNames {
  static_assert(HasTypeTable<typename T::TableType>,
                "flame: generate this FlatBuffers type with flatc --cpp --gen-object-api --reflect-types");
  using Table = typename T::TableType;
  using Builder = std::remove_reference_t<decltype(std::declval<typename Table::Builder&>().fbb_)>;
  using Verifier = typename VerifierOf<decltype(&Table::Verify)>::Type;
};

template <FlatObject T>
void put_flat_object(Encoder& out, std::size_t reference, const T& value) {
  typename FlatNames<T>::Builder builder;
  builder.Finish(FlatNames<T>::Table::Pack(builder, &value));
  out.put_nested(reference, builder.GetBufferPointer(), builder.GetSize());
}

/// false: the bytes are not a valid buffer of this type, or its objects are shared, as by the attribute (shared), so
/// that they would decode to more than a multiple of their size. `data` is aligned to 16 bytes.
template <FlatObject T>
bool get_flat_object(const std::byte* data, std::size_t size, unsigned depth_max, T& value) {
  using Names = FlatNames<T>;
  using TypeTable = std::remove_cvref_t<decltype(*Names::Table::MiniReflectTypeTable())>;
  if (!FlatWalk<TypeTable>(data, size, depth_max).root(*Names::Table::MiniReflectTypeTable())) return false;
  typename Names::Verifier verifier(reinterpret_cast<const std::uint8_t*>(data), size, depth_max,
                                    static_cast<std::uint32_t>(size / 4));
  if (!verifier.template VerifyBuffer<typename Names::Table>(nullptr)) return false;
  std::uint32_t root = 0;
  for (unsigned i = 0; i < 4; ++i) root |= std::to_integer<std::uint32_t>(data[i]) << (8 * i);
  reinterpret_cast<const typename Names::Table*>(data + root)->UnPackTo(&value);
  return true;
}

}  // namespace flame::detail
