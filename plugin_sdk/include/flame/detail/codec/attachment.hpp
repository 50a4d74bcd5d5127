// flame::Bytes: beside the table, named by its number.
#pragma once

#include <cstddef>
#include <cstdint>

#include <flame/bytes.hpp>
#include <flame/detail/codec/scalar.hpp>

namespace flame::detail {

template <Attachment T>
inline constexpr TypeDesc desc_of<T> = {.kind = Kind::uint32, .role = Role::attachment};

template <Attachment T>
std::uint64_t inline_bits(Encoder& out, const T& value) {
  return out.attach(value);
}

template <Attachment T>
T get_inline(Decoder& in, std::size_t at) {
  return in.attachment(get_inline<std::uint32_t>(in, at));
}

}  // namespace flame::detail
