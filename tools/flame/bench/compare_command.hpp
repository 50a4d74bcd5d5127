// `flame bench --against BUILD`.
#pragma once

#include <string>
#include <vector>

namespace flame::bench {

struct CompareRequest {
  std::string build;              ///< build or install directory of the other one
  std::vector<std::string> rows;  ///< names of measurements
  int pairs = 0;                  ///< of rounds; 0: the default
  bool quick = false;
  bool json = false;
};

/// Prints a row for each figure. The exit code: 0, 1 when a row is worse or could not be measured, 2 for no build.
[[nodiscard]] int run_comparison(const CompareRequest& request);

}  // namespace flame::bench
