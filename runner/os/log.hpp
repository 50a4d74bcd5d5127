// The runner's own log: one line per event on stderr, where the backend collects it. Never given secrets.
#pragma once

#include <memory>
#include <string_view>

#include "plugin_sdk/base/log.hpp"

namespace flame::runner {

using base::LogLevel;

/// Writes "flame-runner[pid] level: text\n" in one piece; control characters become spaces. [any thread]
/// FLAME_RUNNER_LOG in the environment, read once: "debug" adds debug lines, "error" leaves all but
/// errors out.
void log(LogLevel level, std::string_view text);

/// While one lives, log() never waits for whoever reads standard error: a thread writes, and lines beyond
/// limits::kLogQueueBytes are dropped and counted. At its end the last lines have limits::kLogFlushMax. One per
/// process, made and destroyed by its main thread; no process is forked meanwhile.
class BackgroundLog {
 public:
  BackgroundLog();
  ~BackgroundLog();
  BackgroundLog(const BackgroundLog&) = delete;
  BackgroundLog& operator=(const BackgroundLog&) = delete;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flame::runner
