// Asks a running host through its control socket.
#pragma once

#include <string>

#include <flame/options.hpp>
#include <flame/result.hpp>

#include "host/src/control/request.hpp"
#include "host/src/trace/status.hpp"

namespace flame::cli {

/// One question, one answer, all within `limit`. Errors: not_found when nobody listens at `path`, timed_out when the
/// host does not answer in time, too_large and incompatible when what comes is no answer; what the host answers as an
/// error is an error of this function too.
[[nodiscard]] control::Answer ask_host(const std::string& path, const control::Request& request, Duration limit);

}  // namespace flame::cli
