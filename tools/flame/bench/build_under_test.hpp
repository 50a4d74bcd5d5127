// A build of FLAME whose `flame bench` runs as another process.
#pragma once

#include <string>
#include <vector>

#include <flame/result.hpp>

#include "plugin_sdk/base/spawn.hpp"
#include "plugin_sdk/base/unique_fd.hpp"

namespace flame::bench {

/// A figure as another process tells it.
struct Reading {
  std::string name;
  bool higher_is_better = false;
  double value = 0;  ///< not set before a round
};

/// The `flame` of a build or install directory: DIR/bin/flame, DIR/flame, or the file itself. Error: not_found.
[[nodiscard]] Result<std::string> find_flame(const std::string& build);

/// One row of one build, round by round. For one thread.
class RoundsClient {
 public:
  /// Starts `flame bench --rounds-of ROW` and waits until it is warm. Throws std::runtime_error when it cannot, as a
  /// build from before that option.
  RoundsClient(const std::string& flame, const std::string& row);
  ~RoundsClient();
  RoundsClient(const RoundsClient&) = delete;
  RoundsClient& operator=(const RoundsClient&) = delete;

  [[nodiscard]] const std::vector<Reading>& rows() const { return rows_; }
  /// One round of rows()[index]. Throws std::runtime_error.
  [[nodiscard]] double round(std::size_t index);

 private:
  [[nodiscard]] std::string next_line();

  base::Spawned process_;
  base::UniqueFd channel_;  // its standard input and output
  std::string buffer_;
  std::vector<Reading> rows_;
};

/// All figures of one whole `flame bench --quick --json --only ROW`. Throws std::runtime_error.
[[nodiscard]] std::vector<Reading> run_quick(const std::string& flame, const std::string& row);

}  // namespace flame::bench
