// What `flame status` and `flame why` print for people. Pure.
#pragma once

#include <string>

#include "host/src/trace/status.hpp"
#include "tools/flame/terminal.hpp"

namespace flame::cli {

/// A host with its pools, their runners, queue and boots. `terminal`: for colours only.
[[nodiscard]] std::string status_text(const control::HostStatus& host, const Terminal& terminal);

/// The story of a call, one line per step, times since its submission.
[[nodiscard]] std::string story_text(const control::CallReport& call, const Terminal& terminal);

}  // namespace flame::cli
