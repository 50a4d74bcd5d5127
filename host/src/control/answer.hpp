// Answers of the control socket as JSON.
#pragma once

#include <string>
#include <string_view>

#include <flame/result.hpp>

#include "host/src/control/json.hpp"
#include "host/src/trace/status.hpp"

namespace flame::control {

[[nodiscard]] Json to_object(const HostStatus& status);
[[nodiscard]] Json to_object(const CallReport& report);
[[nodiscard]] Json to_object(const ActivateResult& result);
[[nodiscard]] Json to_object(const MachineList& list);

/// One line, newline included: {"flame": 1, "ok": true, "status": …}, "call", "operation", "machines" or "machine", or
/// {…"ok": false, "error": …}. An answer over limits::kControlAnswerMax becomes the error too_large. [any thread]
[[nodiscard]] std::string encode_answer(const Answer& answer);

/// `line` comes from outside. Errors, beside those that the host answered: incompatible for another version or what is
/// no answer at all. [any thread]
[[nodiscard]] Answer decode_answer(std::string_view line);

}  // namespace flame::control
