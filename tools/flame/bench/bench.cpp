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
#include "tools/flame/bench/figures.hpp"
#include "tools/flame/bench/raw_echo.hpp"
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
};

constexpr const char* kExamples =
    R"(Half-second rounds of a raw libzmq echo between two processes alternate with rounds of the figure; "x raw" is the
median of the per-round ratios. Takes about two minutes; --quick about half a minute, with less to say.

Examples:
  flame bench
  flame bench --quick --only process,cold
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
  out["goal"] = figure.goal;
  out["better"] = figure.higher_is_better ? "higher" : "lower";
  out["met"] = figure.met();
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

int run(const Options& options) {
  if (!options.echo_peer.empty()) return bench::run_echo_peer(options.echo_peer, options.echo_key);
  ::setenv("FLAME_LOG", "off", 1);  // killed slots are what is measured here, not news
  const auto measurements = chosen(options);
  if (!measurements) {
    print_error(measurements.error(), options.json);
    return kUsage;
  }
  const bench::BenchOptions bench_options{.plugins = plugin_directory(), .quick = options.quick};
  const Terminal out(STDOUT_FILENO);
  StatusLine status;
  const bench::StealMeter steal;
  Json figures = Json::array();
  bool failed = false;
  for (const auto& measurement : *measurements) {
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

}  // namespace

void add_bench(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  auto* command = app.add_subcommand("bench", "Measure calls, starts and memory on this machine");
  command->add_flag("--json", options->json, "figures as JSON on standard output");
  command->add_flag("--quick", options->quick, "fewer rounds");
  command
      ->add_option("--only", options->only,
                   "only these: process, thread, ipc, tcp, gigabyte, cold, back, back-model, four, "
                   "memory, compile, scheduler")
      ->delimiter(',')
      ->type_name("NAME,…");
  command->add_option("--echo-peer", options->echo_peer)->group("");
  command->add_option("--echo-key", options->echo_key)->group("");
  command->footer(kExamples);
  command->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace flame::cli
