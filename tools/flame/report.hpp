// How results and errors look, for people and for programs.
#pragma once

#include <string>
#include <string_view>

#include <flame/error.hpp>

#include "tools/flame/json_codec.hpp"
#include "tools/flame/terminal.hpp"

namespace flame::cli {

/// {"code": "task_failed", "message": …}; members that say nothing are left out.
[[nodiscard]] Json error_to_json(const Error& error);

/// {"ok": true, "result": …} and {"ok": false, "error": …}: what --json prints.
[[nodiscard]] Json success(Json result);
[[nodiscard]] Json failure(const Error& error);

/// One line of JSON, newline included. Bytes that are no UTF-8 become U+FFFD: in errors and paths, as results have
/// none.
[[nodiscard]] std::string json_line(const Json& value);

/// Prints an error: to stdout as JSON if `json`, else to stderr as "flame: …" with what is known about it. Given up
/// when `stop_fd` becomes readable. Throws OutputError if `json`; what standard error does not take is lost.
void print_error(const Error& error, bool json, int stop_fd = -1);

/// An error of this command itself.
[[nodiscard]] Error usage_error(std::string message);

}  // namespace flame::cli
