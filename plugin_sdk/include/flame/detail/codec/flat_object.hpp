// Types of flatc's object API, embedded as a nested buffer. flatbuffers is never included here: its builder and
// verifier are named through the members of the generated type.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <flame/detail/codec/description.hpp>
#include <flame/detail/codec/flat_walk.hpp>
#include <flame/detail/names.hpp>
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

inline constexpr TypeDesc kByteDesc{.kind = Kind::uint8};

template <FlatObject T>
inline constexpr TypeDesc desc_of<T> = {
    .kind = Kind::vector, .role = Role::nested, .name = type_name<typename T::TableType>(), .element = &kByteDesc};

template <FlatObject T>
void put_value(Encoder& out, std::size_t reference, const T& value) {
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

template <FlatObject T>
T get_value(Decoder& in, std::size_t vector) {
  T value{};
  if (vector == 0) return value;
  const std::size_t size = in.count(vector);
  const Bytes aligned(in.bytes(vector + 4), size);  // a sender in another language need not have aligned it
  if (!get_flat_object(aligned.data(), size, kPayloadDepthMax, value)) in.fail_nested();
  return value;
}

}  // namespace flame::detail
