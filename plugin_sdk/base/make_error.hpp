// Plain Errors: a code and what a person reads.
#pragma once

#include <string>
#include <utility>

#include <flame/error.hpp>

namespace flame::base {

[[nodiscard]] inline Error make_error(ErrorCode code, std::string message) {
  Error error;
  error.code = code;
  error.message = std::move(message);
  return error;
}

/// The same of a call that was refused: it has not begun.
[[nodiscard]] inline Error refusal(ErrorCode code, std::string message) {
  Error error = make_error(code, std::move(message));
  error.started = Started::no;
  return error;
}

}  // namespace flame::base
