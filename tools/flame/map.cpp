// flame map: one task over many inputs.
#include <CLI/CLI.hpp>

#include <memory>
#include <utility>

#include "tools/flame/command.hpp"
#include "tools/flame/map_run.hpp"
#include "tools/flame/report.hpp"

namespace flame::cli {
namespace {

constexpr const char* kMapExamples =
    R"(Reads one JSON value per line from standard input: an array of arguments, or the only argument. Writes one
line per item:
  {"index": 3, "ok": true, "result": …}       index: number of the input line, from 1
  {"index": 4, "ok": false, "error": {"code": "task_failed", "message": …}}
Goes on after failed items and broken lines; exit code 1 if there was any. Ctrl-C cancels what runs. Ends at once,
and cancels what runs, when standard output takes no more; an input that cannot be read ends with exit code 1, too.

Examples:
  flame map ffmpeg video::resize_quality < videos.jsonl > results.jsonl
  ls *.png | jq -Rc '["@" + ., 3]' | flame map main image::blur --ordered --attachments out)";

int fail_map(const Error& error, bool json) {
  print_error(error, json);
  return kUsage;
}

int run_map(const MapOptions& options) {
  const Interrupts interrupts;
  const auto timeout = parse_timeout(options);
  if (!timeout) return fail_map(timeout.error(), options.json);
  auto session = open_session(options.config, options.pool, options.task);
  if (!session) return fail_map(session.error(), options.json);
  const auto& config = (*session)->config;
  if (options.until_idle && config.idle_shutdown_after == kForever) {
    return fail_map(usage_error("--until-idle would wait for ever: idle_shutdown_after of pool \"" + options.pool +
                                "\" is \"infinite\"."),
                    options.json);
  }
  auto codec = JsonCodec::from_schema((*session)->task.schema);
  if (!codec) return fail_map(codec.error(), options.json);
  return MapRun(**session, std::move(*codec), options, *timeout, interrupts).run();
}

}  // namespace

void add_map(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<MapOptions>();
  auto* command = app.add_subcommand("map", "Call a task for each line of standard input");
  add_shared_options(*command, *options);
  command
      ->add_option("-j,--concurrency", options->concurrency, "calls in flight; default: what the pool can run at once")
      ->check(CLI::Range(1, 100000))
      ->type_name("N");
  command->add_flag("--ordered", options->ordered, "results in the order of the input, not as they come");
  command->add_flag("--until-idle", options->until_idle, "then wait until the pool has shrunk to its minimum");
  command->footer(kMapExamples);
  command->callback([options, &exit_code] { exit_code = run_map(*options); });
}

}  // namespace flame::cli
