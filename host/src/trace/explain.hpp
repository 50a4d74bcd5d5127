// Tells a call's story from the records of its host: what happened, when, and which runner had to do with it.
#pragma once

#include <string>
#include <vector>

#include "host/src/trace/call_history.hpp"
#include "host/src/trace/runner_log.hpp"
#include "host/src/trace/status.hpp"

namespace flame::control {

struct StoryNames {
  std::string pool;
  std::vector<std::string> backends;  ///< of the pool
  std::string plugin;                 ///< "video@1.4.0"; empty: the call was refused before it had one
};

/// Steps of runners stand among the call's own where they explain why it waited or was tried again. `host` and
/// `pid` are left to the caller. Pure.
[[nodiscard]] CallReport explain(const pool::CallStory& story, const pool::RunnerLog& runners, const StoryNames& names,
                                 pool::Instant now);

}  // namespace flame::control
