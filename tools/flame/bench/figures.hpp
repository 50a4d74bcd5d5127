// The figures of `flame bench`, each with its goal.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <flame/host.hpp>

#include "tools/flame/bench/measure.hpp"

namespace flame::bench {

struct Figure {
  std::string name;
  double value = 0;  ///< a ratio when `comparison` is set
  std::string unit;
  double goal = 0;
  bool higher_is_better = false;
  std::optional<Comparison> comparison;
  std::string note;        ///< further numbers for a person
  std::string error;       ///< why it could not be measured; empty if it was
  bool yardstick = false;  ///< of the machine, not of FLAME: it has no goal

  [[nodiscard]] bool met() const {
    return error.empty() && (yardstick || (higher_is_better ? value >= goal : value <= goal));
  }
};

struct BenchOptions {
  std::string plugins;  ///< directory with bench-small.so and bench-model.so
  bool quick = false;

  [[nodiscard]] int rounds() const { return quick ? 3 : 9; }
  [[nodiscard]] int repeats() const { return quick ? 5 : 25; }
};

/// A figure that can be asked for round by round, to compare two builds. It keeps what it needs alive.
struct Bout {
  std::string name;  ///< of the figure
  bool higher_is_better = false;
  std::function<double()> round;  ///< of about kRound; seconds, or a rate per second
};

/// One or more figures that share their preparation; `name` selects them on the command line.
struct Measurement {
  std::string name;
  std::function<std::vector<Figure>(const BenchOptions&)> run;
  /// The same figures round by round; none where one value takes much longer than a round.
  std::function<std::vector<Bout>(const BenchOptions&)> bouts = {};
};

/// All of them, in the order in which they are shown.
[[nodiscard]] std::vector<Measurement> all_measurements();

[[nodiscard]] std::vector<Measurement> raw_measurements();
[[nodiscard]] std::vector<Measurement> call_measurements();
[[nodiscard]] std::vector<Measurement> life_measurements();
[[nodiscard]] std::vector<Measurement> swap_measurements();
[[nodiscard]] std::vector<Measurement> compile_measurements();
[[nodiscard]] std::vector<Measurement> policy_measurements();

/// A host with one pool "main" of one bench plugin, that logs nothing; min = 0, never idle. `more`: further directories
/// with plugins.
[[nodiscard]] Host bench_host(const BenchOptions& options, const std::string& plugin, PoolConfig pool,
                              const std::string& listen = "ipc://auto", const std::vector<std::string>& more = {});

}  // namespace flame::bench
