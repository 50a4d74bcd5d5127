// The runner's own log: one line per event on stderr, where the backend collects it. Never given secrets.
#pragma once

#include <string_view>

namespace flame::runner {

enum class LogLevel { debug, info, warning, error };

/// Writes "flame-runner[pid] level: text\n" with one write(2); control characters become spaces. [any thread]
/// Debug lines only with FLAME_RUNNER_LOG=debug in the environment when the process started.
void log(LogLevel level, std::string_view text);

}  // namespace flame::runner
