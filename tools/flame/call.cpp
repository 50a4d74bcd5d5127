// flame call: one task, once.
#include <unistd.h>

#include <CLI/CLI.hpp>

#include <memory>
#include <utility>

#include "plugin_sdk/base/file.hpp"
#include "plugin_sdk/base/limits.hpp"
#include "tools/flame/call_options.hpp"
#include "tools/flame/command.hpp"
#include "tools/flame/hosts.hpp"
#include "tools/flame/interrupts.hpp"
#include "tools/flame/report.hpp"
#include "tools/flame/session.hpp"
#include "tools/flame/status_line.hpp"
#include "tools/flame/status_text.hpp"

namespace flame::cli {
namespace {

struct Options : SharedOptions {
  std::string arguments = "[]";
  bool why = false;
};

constexpr const char* kExamples =
    R"(Arguments are a JSON array, one element per parameter; a single value stands for the only argument.
Bytes are "@file", "base64:…" or plain text. "-" reads the JSON from standard input.

Examples:
  flame call main hello::greet '["world"]'
  flame call ffmpeg video::resize_quality '{"path": "/tmp/a.mp4", "height": 480}' --timeout 5min --why
  flame call main image::blur '["@photo.png", 3]' --attachments out --json | jq .result)";

int fail(const Error& error, bool json, int code) {
  print_error(error, json);
  return code;
}

Result<Json> read_arguments(const std::string& text) {
  if (text != "-") return parse_json(text);
  auto input = base::read_all(STDIN_FILENO, limits::kPayloadMaxCeiling, "standard input");
  if (!input) return std::move(input).error();
  return parse_json(*input);
}

void print_result(const Json& result, bool json) {
  const Terminal out(STDOUT_FILENO);
  if (json) {
    out.write(json_line(success(result)));
  } else if (out.is_terminal()) {
    out.write(result.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  } else {
    out.write(json_line(result));
  }
}

// The host ends with this command, and what it remembers with it.
void print_story() {
  const Terminal terminal(STDERR_FILENO);
  const auto hosts = find_hosts({.host = std::to_string(::getpid()), .control = {}});
  auto answer = hosts ? ask(hosts->front(), control::WhyRequest{.which = control::WhyRequest::Which::last})
                      : control::Answer(hosts.error());
  if (!answer) return print_error(answer.error(), false);
  if (const auto* call = std::get_if<control::CallReport>(&*answer)) terminal.write(story_text(*call, terminal));
}

int run(const Options& options) {
  const Interrupts interrupts;
  const auto timeout = parse_timeout(options);
  if (!timeout) return fail(timeout.error(), options.json, kUsage);
  const auto arguments = read_arguments(options.arguments);
  if (!arguments) return fail(arguments.error(), options.json, kUsage);
  auto session = open_session(options.config, options.pool, options.task);
  if (!session) return fail(session.error(), options.json, kUsage);
  auto codec = JsonCodec::from_schema((*session)->task.schema);
  if (!codec) return fail(codec.error(), options.json, kUsage);
  auto payload = codec->encode(*arguments);
  if (!payload) {
    auto error = std::move(payload).error();
    error.message += " " + options.task + " takes " + codec->parameters() + ".";
    return fail(error, options.json, kUsage);
  }

  const auto status = std::make_shared<StatusLine>();
  (*session)->pool.on_log([status](const LogEvent& event) { status->print_output(event.text); });
  const auto result =
      call_raw((*session)->pool, options.task, std::move(*payload), {.timeout = *timeout, .stop = interrupts.token()},
               [status](double fraction, const std::string& message) { status->progress(fraction, message); });
  status->clear();
  if (options.why) print_story();
  if (!result) return fail(result.error(), options.json, interrupts.interrupted() ? interrupts.exit_code() : kFailed);
  const auto decoded = codec->decode(*result, attachment_writer(options, ""));
  if (!decoded) return fail(decoded.error(), options.json, kFailed);
  print_result(*decoded, options.json);
  return kOk;
}

}  // namespace

void add_call(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  auto* command = app.add_subcommand("call", "Call a task once and print its result");
  add_shared_options(*command, *options);
  command->add_option("JSON", options->arguments, "the arguments; default: none");
  command->add_flag("--why", options->why, "tell on standard error what became of the call, step by step");
  command->footer(kExamples);
  command->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace flame::cli
