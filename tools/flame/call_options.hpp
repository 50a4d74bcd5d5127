// Options that `flame call` and `flame map` share.
#pragma once

#include <optional>
#include <string>

#include <flame/options.hpp>
#include <flame/result.hpp>

#include "tools/flame/json_codec.hpp"

namespace CLI {
class App;
}

namespace flame::cli {

struct SharedOptions {
  std::string config = "flame.toml";
  std::string pool;
  std::string task;
  std::string timeout;      ///< text; empty: the task's and the pool's own
  std::string attachments;  ///< directory that gets the attachments of results; empty: base64 in the JSON
  bool json = false;
};

/// Adds POOL, TASK, --config, --timeout, --attachments and --json.
void add_shared_options(CLI::App& command, SharedOptions& options);

/// --timeout as a duration. Error: invalid_argument.
[[nodiscard]] Result<std::optional<Duration>> parse_timeout(const SharedOptions& options);

/// Writes attachments as they are asked for by `options`; `prefix` makes the file names of one call unique.
[[nodiscard]] AttachmentWriter attachment_writer(const SharedOptions& options, std::string prefix);

}  // namespace flame::cli
