// flame::Tracked: an object of the runner, named by its position in a list.
#pragma once

#include <cstddef>
#include <cstdint>

#include <flame/detail/codec/scalar.hpp>
#include <flame/detail/names.hpp>

namespace flame::detail {

template <TrackedHandle T>
inline constexpr TypeDesc desc_of<T> = {
    .kind = Kind::uint32, .role = Role::tracked, .name = type_name<typename T::Type>()};

template <TrackedHandle T>
std::uint64_t inline_bits(Encoder& out, const T& value) {
  return value ? out.track(value.handle(), type_name<typename T::Type>()) : 0;
}

template <TrackedHandle T>
T get_inline(Decoder& in, std::size_t at) {
  return T(in.tracked(get_inline<std::uint32_t>(in, at), type_name<typename T::Type>()));
}

}  // namespace flame::detail
