// The states of one client.
#include "host/src/control/client.hpp"

#include <utility>

#include "plugin_sdk/base/assert.hpp"
#include "plugin_sdk/base/limits.hpp"

namespace flame::control {

std::optional<Result<Request>> ControlClient::received(std::string_view bytes) {
  if (state_ != State::asks) return std::nullopt;
  buffer_ += bytes.substr(0, limits::kControlRequestMax + 1 - buffer_.size());
  const std::size_t end = buffer_.find('\n');
  if (end == std::string::npos && buffer_.size() <= limits::kControlRequestMax) return std::nullopt;
  state_ = State::waits;
  const std::string line = std::exchange(buffer_, {});
  if (end != std::string::npos) return parse_request(std::string_view(line).substr(0, end));
  return Result<Request>(
      Error{.code = ErrorCode::too_large,
            .message = "a request is one line of at most " + std::to_string(limits::kControlRequestMax) + " bytes"});
}

void ControlClient::answer(std::string line) {
  FLAME_ASSERT(state_ == State::waits, "a client is answered once, after its request");
  buffer_ = std::move(line);
  state_ = State::listens;
}

void ControlClient::sent(std::size_t bytes) noexcept {
  sent_ += bytes;
  if (sent_ == buffer_.size()) state_ = State::done;
}

}  // namespace flame::control
