// Host programs that a test kills in the middle of work.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "tests/support/temp_dir.hpp"

namespace flame::test {

/// Starts `program`, whose own files go to `files`: a killed host removes none. Returns its pid once it has written
/// "ready" to its standard output; a test failure when it writes something else or cannot be started.
[[nodiscard]] pid_t start_until_ready(const std::string& program, std::vector<std::string> arguments,
                                      const TempDir& files);

/// Nothing is left below this process, which is a subreaper: what a killed host leaves becomes its own to collect.
[[nodiscard]] bool nothing_left();

}  // namespace flame::test
