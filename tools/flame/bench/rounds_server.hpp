// One build's side of `flame bench --against`: rounds of one row, when they are asked for.
#pragma once

#include "tools/flame/bench/figures.hpp"

namespace flame::bench {

/// Prepares the row, writes {"rows": [{"name": …, "better": "lower"}, …]}, then for each line with an index on standard
/// input runs one round of that figure and writes its value on a line, until standard input ends. The exit code: 0; 1
/// with {"error": …} when a round cannot be run.
[[nodiscard]] int serve_rounds(const Measurement& measurement, const BenchOptions& options);

}  // namespace flame::bench
