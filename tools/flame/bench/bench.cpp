// flame bench: measures this machine and shows the figures beside their goals.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <thread>
#include <utility>

#include "plugin_sdk/base/suggest.hpp"
#include "tools/flame/bench/compare_command.hpp"
#include "tools/flame/bench/figures.hpp"
#include "tools/flame/bench/raw_echo.hpp"
#include "tools/flame/bench/rounds_server.hpp"
#include "tools/flame/bench/seqpacket_echo.hpp"
#include "tools/flame/command.hpp"
#include "tools/flame/report.hpp"
#include "tools/flame/status_line.hpp"

namespace flame::cli {
namespace {

constexpr double kStealMax = 2.0;  // percent; above it the figures are not worth much

struct Options {
  bool json = false;
  bool quick = false;
  std::vector<std::string> only;
  std::string echo_peer;  // this process is the other end of the raw echo
  std::string echo_key;
  std::string seqpacket_peer;  // the same of the SEQPACKET echo: its CPU
  std::string rounds_of;       // this process serves rounds of this row
  std::string against;
  int pairs = 0;
};

constexpr const char* kExamples =
    R"(Half-second rounds of a raw libzmq echo between two processes alternate with rounds of the figure; "x raw" is the
median of the per-round ratios. Takes about two minutes; --quick about half a minute, with less to say. "raw" is that
echo itself, and a SEQPACKET pair pinned to one CPU and to two: the machine's own price of a call into another process.

--against BUILD compares: half-second rounds of this build and of BUILD (a build or install directory with bin/flame) in
turn. "cost" is the median of the paired ratios, above 1 where this build is dearer; a row is worse if it is over 1.03
and its 95 % bootstrap interval leaves out 1.00. Rows that take longer, and builds from before this option, are compared
by whole --quick runs in turn. Exit code 1 if a row is worse or could not be measured.

Examples:
  flame bench
  flame bench --quick --only process,cold
  flame bench --against ../before/build-release --only process,thread
  flame bench --json > bench.json)";

std::string plugin_directory() {
  const auto installed =
      std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path() / FLAME_BENCH_INSTALLED;
  return std::filesystem::exists(installed) ? installed.string() : FLAME_BENCH_BUILT;
}

std::vector<bench::Figure> measure(const bench::Measurement& measurement, const bench::BenchOptions& options) {
  try {
    return measurement.run(options);
  } catch (const std::exception& error) {
    return {{.name = measurement.name, .error = error.what()}};
  }
}

Json to_json(const bench::Figure& figure) {
  Json out{{"name", figure.name}};
  if (!figure.error.empty()) {
    out["error"] = figure.error;
    return out;
  }
  out["value"] = figure.value;
  out["unit"] = figure.unit;
  if (!figure.yardstick) out["goal"] = figure.goal;
  out["better"] = figure.higher_is_better ? "higher" : "lower";
  if (!figure.yardstick) out["met"] = figure.met();
  if (figure.comparison) {
    out["figure"] = figure.comparison->figure;
    out["raw"] = figure.comparison->reference;
    out["ratio_lowest"] = figure.comparison->lowest;
    out["ratio_highest"] = figure.comparison->highest;
  }
  out["note"] = figure.note;
  return out;
}

std::string row(const bench::Figure& figure, const Terminal& out) {
  if (!figure.error.empty()) {
    return fmt::format("{:<44} {}\n", figure.name, out.styled(Style::red, "not measured: " + printable(figure.error)));
  }
  if (figure.yardstick) {
    return fmt::format("{:<44} {:>9.2f} {:<6} {:>16} {}\n", figure.name, figure.value, figure.unit, "",
                       out.styled(Style::dim, figure.note));
  }
  const auto mark = figure.met() ? out.styled(Style::green, "met   ") : out.styled(Style::yellow, "missed");
  return fmt::format("{:<44} {:>9.2f} {:<6} {} {:>6} {}  {}\n", figure.name, figure.value, figure.unit,
                     figure.higher_is_better ? ">=" : "<=", fmt::format("{:g}", figure.goal), mark,
                     out.styled(Style::dim, figure.note));
}

Result<std::vector<bench::Measurement>> chosen(const Options& options) {
  auto all = bench::all_measurements();
  if (options.only.empty()) return all;
  std::vector<std::string> names;
  for (const auto& measurement : all) names.push_back(measurement.name);
  std::vector<bench::Measurement> some;
  for (const auto& name : options.only) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) {
      return usage_error("--only: there is no measurement \"" + name + "\"" + base::did_you_mean(name, names) +
                         " (there are: " + fmt::format("{}", fmt::join(names, ", ")) + ").");
    }
    some.push_back(all[static_cast<std::size_t>(found - names.begin())]);
  }
  return some;
}

// Rows of a comparison: those of FLAME, not of the machine.
std::vector<std::string> rows_to_compare(const std::vector<bench::Measurement>& measurements) {
  std::vector<std::string> rows;
  for (const auto& measurement : measurements) {
    if (measurement.name != "raw") rows.push_back(measurement.name);
  }
  return rows;
}

int serve(const std::string& row, const bench::BenchOptions& options) {
  for (const auto& measurement : bench::all_measurements()) {
    if (measurement.name == row && measurement.bouts) return bench::serve_rounds(measurement, options);
  }
  print_error(usage_error("--rounds-of: " + row + " has no rounds."), false);
  return kUsage;
}

int measure_all(const Options& options, const std::vector<bench::Measurement>& measurements,
                const bench::BenchOptions& bench_options) {
  const Terminal out(STDOUT_FILENO);
  StatusLine status;
  const bench::StealMeter steal;
  Json figures = Json::array();
  bool failed = false;
  for (const auto& measurement : measurements) {
    status.show("measuring: " + measurement.name);
    for (const auto& figure : measure(measurement, bench_options)) {
      failed = failed || !figure.error.empty();
      figures.push_back(to_json(figure));
      status.clear();
      if (!options.json) out.write(row(figure, out));
    }
  }
  status.clear();
  const double percent = steal.percent();
  const Json machine{
      {"cpus", std::thread::hardware_concurrency()}, {"steal_percent", percent}, {"busy", percent > kStealMax}};
  out.write(options.json ? json_line(success({{"machine", machine}, {"figures", figures}}))
                         : fmt::format("{} processors, steal {:.1f} %{}\n", std::thread::hardware_concurrency(),
                                       percent, percent > kStealMax ? ": too busy for figures to trust" : ""));
  return failed ? kFailed : kOk;
}

int run(const Options& options) {
  if (!options.echo_peer.empty()) return bench::run_echo_peer(options.echo_peer, options.echo_key);
  if (!options.seqpacket_peer.empty()) return bench::run_seqpacket_peer(options.seqpacket_peer);
  ::setenv("FLAME_LOG", "off", 1);  // killed slots are what is measured here, not news
  const auto measurements = chosen(options);
  if (!measurements) {
    print_error(measurements.error(), options.json);
    return kUsage;
  }
  if (!options.against.empty()) {
    return bench::run_comparison({.build = options.against,
                                  .rows = rows_to_compare(*measurements),
                                  .pairs = options.pairs,
                                  .quick = options.quick,
                                  .json = options.json});
  }
  const bench::BenchOptions bench_options{.plugins = plugin_directory(), .quick = options.quick};
  if (!options.rounds_of.empty()) return serve(options.rounds_of, bench_options);
  return measure_all(options, *measurements, bench_options);
}

}  // namespace

void add_bench(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  auto* command = app.add_subcommand("bench", "Measure calls, starts and memory on this machine");
  command->add_flag("--json", options->json, "figures as JSON on standard output");
  command->add_flag("--quick", options->quick, "fewer rounds");
  command
      ->add_option("--only", options->only,
                   "only these: raw, process, thread, ipc, tcp, gigabyte, cold, back, back-model, four, "
                   "activate, swaps, memory, compile, scheduler")
      ->delimiter(',')
      ->type_name("NAME,…");
  command->add_option("--against", options->against, "compare with another build instead: is a row worse?")
      ->type_name("BUILD");
  command->add_option("--pairs", options->pairs, "with --against: pairs of rounds; default: 15 (quick runs: 7)")
      ->check(CLI::Range(5, 1000))
      ->type_name("N");
  command->add_option("--rounds-of", options->rounds_of)->group("");
  command->add_option("--seqpacket-peer", options->seqpacket_peer)->group("");
  command->add_option("--echo-peer", options->echo_peer)->group("");
  command->add_option("--echo-key", options->echo_key)->group("");
  command->footer(kExamples);
  command->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace flame::cli
