// The plain Error: a code and what a person reads.
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

}  // namespace flame::base
