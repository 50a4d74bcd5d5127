// Serving of rounds.
#include "tools/flame/bench/rounds_server.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <exception>
#include <iostream>
#include <string>

#include "tools/flame/report.hpp"
#include "tools/flame/terminal.hpp"

namespace flame::bench {

int serve_rounds(const Measurement& measurement, const BenchOptions& options) {
  const cli::Terminal out(STDOUT_FILENO);
  try {
    const auto bouts = measurement.bouts(options);
    cli::Json rows = cli::Json::array();
    for (const Bout& bout : bouts) {
      rows.push_back({{"name", bout.name}, {"better", bout.higher_is_better ? "higher" : "lower"}});
    }
    out.write(cli::json_line({{"rows", std::move(rows)}}));
    for (std::size_t index = 0; std::cin >> index && index < bouts.size();) {
      out.write(fmt::format("{:.17g}\n", bouts[index].round()));
    }
    return 0;
  } catch (const cli::OutputError&) {
    throw;
  } catch (const std::exception& error) {
    out.write(cli::json_line({{"error", error.what()}}));
    return 1;
  }
}

}  // namespace flame::bench
