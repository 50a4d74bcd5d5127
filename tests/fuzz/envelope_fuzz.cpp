// Any bytes as an envelope: an error, or a value that encodes and decodes again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "plugin_sdk/wire/batch.hpp"
#include "plugin_sdk/wire/envelope.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span frame(reinterpret_cast<const std::byte*>(data), size);
  if (size > 0) static_cast<void>(flame::wire::unpack_batch({.count = data[0]}, frame.subspan(1)));
  auto decoded = flame::wire::decode(frame);
  if (!decoded) return 0;
  if (const auto* unknown = std::get_if<flame::wire::Undecoded>(&decoded->body)) {
    const flame::wire::Unsupported answer = unknown->answer;
    decoded->body = answer;
  }
  const auto again = flame::wire::decode(flame::wire::encode(decoded->session, decoded->body));
  if (!again || again->body.index() != decoded->body.index()) std::abort();
  return 0;
}
