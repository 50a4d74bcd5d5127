// std::string and std::filesystem::path.
#pragma once

#include <cstddef>
#include <string>

#include <flame/detail/codec/description.hpp>
#include <flame/detail/traits.hpp>

namespace flame::detail {

template <class T>
concept StringValue = Text<T> || PathLike<T>;

template <StringValue T>
inline constexpr TypeDesc desc_of<T> = {.kind = Kind::string};

template <Text T>
void put_value(Encoder& out, std::size_t reference, const T& value) {
  out.put_string(reference, value);
}
template <PathLike T>
void put_value(Encoder& out, std::size_t reference, const T& value) {
  out.put_string(reference, value.native());
}

template <StringValue T>
T get_value(Decoder& in, std::size_t position) {
  return T(std::string(in.text(position)));
}

}  // namespace flame::detail
