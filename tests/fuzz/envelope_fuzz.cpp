// Any bytes as an envelope: an error, or a value that encodes and decodes again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "plugin_sdk/wire/envelope.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto decoded = flame::wire::decode({reinterpret_cast<const std::byte*>(data), size});
  if (!decoded) return 0;
  const auto again = flame::wire::decode(flame::wire::encode(decoded->session, decoded->body));
  if (!again || again->body.index() != decoded->body.index()) std::abort();
  return 0;
}
