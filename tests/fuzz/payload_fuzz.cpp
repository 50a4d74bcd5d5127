// Fuzzes the payload verifier and decoder: whatever arrives is refused with a message or decodes to values that can be
// sent on. The first byte picks the signature, the second the number of attachments.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include <flame/detail/codec.hpp>
#include <flame/result.hpp>

#include "tests/unit/plugin_sdk/codec/types.hpp"

namespace {

class NoObjects final : public flame::detail::ObjectSource {
 public:
  flame::detail::ObjectHandle find(std::uint32_t /*index*/, std::string_view /*type_name*/) override { return nullptr; }
};

void check(bool ok) {
  if (!ok) std::abort();
}

template <auto F>
void decode(const flame::detail::PayloadView& payload) {
  NoObjects objects;
  flame::Error error;
  const auto arguments = flame::detail::decode_arguments<F>(payload, objects, error);
  if (!arguments) return check(!error.message.empty());
  std::apply([](const auto&... argument) { check(!flame::detail::encode_arguments<F>(argument...).table.empty()); },
             *arguments);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::vector<flame::Bytes> attachments(data[1] % 8, flame::Bytes("frame", 5));
  const flame::detail::PayloadView payload(std::as_bytes(std::span(data + 2, size - 2)), attachments);
  switch (data[0] % 5) {
    case 0:
      decode<work::echo>(payload);
      break;
    case 1:
      decode<work::echo_else>(payload);
      break;
    case 2:
      decode<work::recode>(payload);
      break;
    case 3:
      decode<work::choose>(payload);
      break;
    default:
      decode<work::open_all>(payload);
      break;
  }
  return 0;
}
