// Any bytes to the control socket, and any bytes from one: a refusal with a message, or what can be sent on.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "host/src/control/answer.hpp"
#include "host/src/control/client.hpp"
#include "host/src/control/request.hpp"
#include "plugin_sdk/base/limits.hpp"

namespace control = flame::control;

namespace {

void check(bool ok) {
  if (!ok) std::abort();
}

void request(std::string_view bytes) {
  control::ControlClient client(1, {});
  const auto request = client.received(bytes);
  if (!request) return check(bytes.size() <= flame::limits::kControlRequestMax);
  if (request->has_error()) return check(!request->error().message.empty());
  const std::string line = control::encode_request(**request);
  // What was asked for may be long, and grows when it is escaped.
  const auto again = control::parse_request(std::string_view(line).substr(0, line.size() - 1));
  check(again && again->index() == (*request)->index() && control::encode_request(*again) == line);
}

void answer(std::string_view bytes) {
  const auto answer = control::decode_answer(bytes);
  if (!answer) return check(!answer.error().message.empty());
  const std::string line = control::encode_answer(*answer);
  check(line.size() <= flame::limits::kControlAnswerMax);
  const auto again = control::decode_answer(line);
  check(again && control::encode_answer(*again) == line);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  request(bytes);
  answer(bytes);
  return 0;
}
