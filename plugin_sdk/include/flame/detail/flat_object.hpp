// Types of flatc's object API, embedded as a nested buffer. flatbuffers is never included here: its builder and
// verifier are named through the members of the generated type.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <flame/detail/encoder.hpp>
#include <flame/detail/traits.hpp>

namespace flame::detail {

template <class Member>
struct VerifierOf;
template <class Table, class V>
struct VerifierOf<bool (Table::*)(V&) const> {
  using Type = V;
};

template <FlatObject T>
struct FlatNames {
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

/// false: the bytes are not a valid buffer of this type. `data` is aligned to 16 bytes. Inside of the nested buffer
/// FlatBuffers' own verifier decides: it counts tables, but texts and vectors may be shared there, so the bound on the
/// size of decoded values does not extend to these types.
template <FlatObject T>
bool get_flat_object(const std::byte* data, std::size_t size, unsigned depth_max, T& value) {
  using Names = FlatNames<T>;
  // Each table costs at least four bytes, so more of them than that are shared ones.
  typename Names::Verifier verifier(reinterpret_cast<const std::uint8_t*>(data), size, depth_max,
                                    static_cast<std::uint32_t>(size / 4));
  if (!verifier.template VerifyBuffer<typename Names::Table>(nullptr)) return false;
  std::uint32_t root = 0;
  for (unsigned i = 0; i < 4; ++i) root |= std::to_integer<std::uint32_t>(data[i]) << (8 * i);
  reinterpret_cast<const typename Names::Table*>(data + root)->UnPackTo(&value);
  return true;
}

}  // namespace flame::detail
