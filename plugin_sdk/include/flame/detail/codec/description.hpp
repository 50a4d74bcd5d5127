// What each family of types gives the codec, in a file of its own:
//   desc_of<T>                          its TypeDesc
//   put_value(out, reference, value)    writes what stands behind an offset
//   get_value<T>(in, position)          reads it; 0: the zero or empty value
// and, for what is stored inside its table or vector,
//   inline_bits(out, value), get_inline<T>(in, at).
// All are specialised or overloaded for the concept of its family (traits.hpp); a type belongs to one family. root.hpp
// lists them.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <flame/detail/checks.hpp>
#include <flame/detail/decoder.hpp>
#include <flame/detail/encoder.hpp>
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

/// Specialised by each family. Only addresses of other descriptions are taken, so that recursive types work; and in
/// variables, never in functions: clang cannot evaluate a function that is being instantiated.
template <class T>
inline constexpr TypeDesc desc_of = {};

template <std::size_t N>
using FieldArray = std::array<FieldDesc, N == 0 ? 1 : N>;

template <class T>
inline constexpr std::size_t inline_size_of = inline_size(desc_of<T>.kind);

static_assert(std::endian::native == std::endian::little, "flame: payloads are copied from memory as they are");

}  // namespace flame::detail
