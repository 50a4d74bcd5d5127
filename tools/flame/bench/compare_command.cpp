// Rows of a comparison, for people and for programs.
#include "tools/flame/bench/compare_command.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>

#include "tools/flame/bench/against.hpp"
#include "tools/flame/bench/measure.hpp"
#include "tools/flame/command.hpp"
#include "tools/flame/report.hpp"
#include "tools/flame/status_line.hpp"

namespace flame::bench {
namespace {

using cli::Json;
using cli::Style;
using cli::Terminal;

ComparisonOptions options_of(const CompareRequest& request, std::string there) {
  ComparisonOptions options{.here = std::filesystem::read_symlink("/proc/self/exe").string(),
                            .there = std::move(there)};
  if (request.quick) options.pairs = 9, options.quick_pairs = 5;
  if (request.pairs > 0) options.pairs = options.quick_pairs = request.pairs;
  return options;
}

bool is_bad(const ComparedRow& row) {
  return !row.error.empty() || row.verdict.worse;
}

const char* verdict_name(const ComparedRow& row) {
  if (row.verdict.worse) return "worse";
  return row.verdict.better ? "better" : "no worse";
}

Json to_json(const ComparedRow& row) {
  Json out{{"name", row.name}};
  if (!row.error.empty()) {
    out["error"] = row.error;
    return out;
  }
  out["better"] = row.higher_is_better ? "higher" : "lower";
  out["here"] = row.here;
  out["there"] = row.there;
  out["ratio"] = row.verdict.median;
  out["ratio_low"] = row.verdict.low;
  out["ratio_high"] = row.verdict.high;
  out["pairs"] = row.pairs;
  out["by"] = row.quick_runs ? "quick_runs" : "rounds";
  out["verdict"] = verdict_name(row);
  return out;
}

std::string text_of(const ComparedRow& row, const Terminal& out) {
  if (!row.error.empty()) {
    return fmt::format("{:<52} {}\n", row.name, out.styled(Style::red, "not measured: " + cli::printable(row.error)));
  }
  const Style style = row.verdict.worse ? Style::red : Style::green;
  return fmt::format("{:<52} {:>10.4g} {:>10.4g} {:>7.3f} [{:.3f}, {:.3f}] {}  {}\n", row.name, row.here, row.there,
                     row.verdict.median, row.verdict.low, row.verdict.high,
                     out.styled(style, fmt::format("{:<8}", verdict_name(row))),
                     out.styled(Style::dim, fmt::format("{} {}", row.pairs, row.quick_runs ? "quick runs" : "rounds")));
}

}  // namespace

int run_comparison(const CompareRequest& request) {
  auto there = find_flame(request.build);
  if (!there) {
    cli::print_error(there.error(), request.json);
    return cli::kUsage;
  }
  const auto options = options_of(request, std::move(*there));
  const Terminal out(STDOUT_FILENO);
  cli::StatusLine status;
  const StealMeter steal;
  if (!request.json) {
    out.write(fmt::format("{:<52} {:>10} {:>10} {:>7} 95 % interval\n", "", "this build", "the other", "cost"));
  }
  Json rows = Json::array();
  bool bad = false;
  for (const auto& name : request.rows) {
    status.show("comparing: " + name);
    const auto compared = compare_row(options, name);
    status.clear();
    for (const auto& row : compared) {
      bad = bad || is_bad(row);
      rows.push_back(to_json(row));
      if (!request.json) out.write(text_of(row, out));
    }
  }
  const double percent = steal.percent();
  out.write(request.json ? cli::json_line(cli::success(
                               {{"against", options.there}, {"steal_percent", percent}, {"rows", std::move(rows)}}))
                         : fmt::format("steal {:.1f} %\n", percent));
  return bad ? cli::kFailed : cli::kOk;
}

}  // namespace flame::bench
