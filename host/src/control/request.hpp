// What a client of the control socket may ask: one line of JSON.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include <flame/result.hpp>

namespace flame::control {

/// "flame" in every request and answer. Raised only when an old reader would misunderstand; keys are added without.
inline constexpr int kVersion = 1;

/// {"flame": 1, "ask": "status", "pool": "ffmpeg"}
struct StatusRequest {
  std::string pool;  ///< this one only; empty: all
};
/// {"flame": 1, "ask": "why", "invocation": 17} or "invocation": "last" | "failed"
struct WhyRequest {
  enum class Which : std::uint8_t { number, last, failed };
  Which which = Which::number;
  std::uint64_t invocation = 0;
};
using Request = std::variant<StatusRequest, WhyRequest>;

/// `line` comes from outside, without its newline. Errors: incompatible for another version, invalid_argument else; the
/// message says what a right request looks like. [any thread]
[[nodiscard]] Result<Request> parse_request(std::string_view line);

/// The line that parse_request() reads, newline included.
[[nodiscard]] std::string encode_request(const Request& request);

}  // namespace flame::control
