// Any bytes as FLAME_PARENT, plain and in base64.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "plugin_sdk/wire/envelope.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto plain = flame::wire::from_base64(bytes)) {
    if (flame::wire::to_base64(*plain) != bytes) std::abort();
  }
  const auto parent = flame::wire::decode_parent(bytes);
  if (parent && !flame::wire::decode_parent(flame::wire::encode_parent(*parent))) std::abort();
  return 0;
}
