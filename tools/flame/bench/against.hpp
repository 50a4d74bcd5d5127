// Two builds beside each other.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tools/flame/bench/build_under_test.hpp"
#include "tools/flame/bench/paired.hpp"

namespace flame::bench {

/// What was found out about one figure.
struct ComparedRow {
  std::string name;
  bool higher_is_better = false;
  double here = 0;   ///< median over the rounds
  double there = 0;  ///< the same of the other build
  std::size_t pairs = 0;
  bool quick_runs = false;  ///< whole quick runs in turn, where a build cannot serve single rounds
  Verdict verdict;
  std::string error;  ///< why it could not be measured; empty if it was
};

struct ComparisonOptions {
  std::string here;     ///< path of this build's flame
  std::string there;    ///< of the other's
  int pairs = 15;       ///< of half-second rounds
  int quick_pairs = 7;  ///< of whole quick runs, which take some seconds each
};

/// Measures one row of both builds in turn, the one that begins alternating. Errors are rows.
[[nodiscard]] std::vector<ComparedRow> compare_row(const ComparisonOptions& options, const std::string& row);

}  // namespace flame::bench
