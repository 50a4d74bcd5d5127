// What a client of the control socket may ask: one line of JSON.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include <flame/activate.hpp>
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
/// {"flame": 1, "ask": "activate", "plugin": "video@1.5.0", "pool": "ffmpeg", "force": true, "drain_within_ns": 1000}
/// or "rollback" of "video". The change begins, and the answer is the number that it is asked after by.
struct ChangeRequest {
  enum class Kind : std::uint8_t { activate, rollback };
  Kind kind = Kind::activate;
  std::string plugin;  ///< not empty
  ActivateOptions options;
};
/// {"flame": 1, "ask": "operation", "number": 3}
struct OperationRequest {
  std::uint64_t number = 0;
};
/// {"flame": 1, "ask": "machines"}, or "machine_log" or "destroy_machine" of {"backend": "fly", "machine": "flame-…",
/// "id": "…"}. Backends ask their engines: it may take limits::kMachineAnswerMax.
struct MachinesRequest {
  enum class Kind : std::uint8_t { list, log, destroy };
  Kind kind = Kind::list;
  std::string backend;
  std::string machine;
  std::string id;  ///< may be empty
};
using Request = std::variant<StatusRequest, WhyRequest, ChangeRequest, OperationRequest, MachinesRequest>;

/// `line` comes from outside, without its newline. Errors: incompatible for another version, invalid_argument else; the
/// message says what a right request looks like. [any thread]
[[nodiscard]] Result<Request> parse_request(std::string_view line);

/// "activate video@1.5.0": what is asked for, for people. [any thread]
[[nodiscard]] std::string describe(const ChangeRequest& request);

/// The line that parse_request() reads, newline included.
[[nodiscard]] std::string encode_request(const Request& request);

}  // namespace flame::control
