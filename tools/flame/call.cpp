// flame call: one task, once.
#include <unistd.h>

#include <CLI/CLI.hpp>

#include <memory>
#include <utility>

#include "plugin_sdk/base/limits.hpp"
#include "tools/flame/call_options.hpp"
#include "tools/flame/command.hpp"
#include "tools/flame/hosts.hpp"
#include "tools/flame/interrupts.hpp"
#include "tools/flame/line_reader.hpp"
#include "tools/flame/report.hpp"
#include "tools/flame/session.hpp"
#include "tools/flame/status_line.hpp"
#include "tools/flame/status_text.hpp"

namespace flame::cli {
namespace {

struct CallCommandOptions : SharedOptions {
  std::string arguments = "[]";
  bool why = false;
};

constexpr const char* kCallExamples =
    R"(Arguments are a JSON array, one element per parameter; a single value stands for the only argument.
Bytes are "@file", "base64:…" or plain text. "-" reads the JSON from standard input.

Examples:
  flame call main hello::greet '["world"]'
  flame call ffmpeg video::resize_quality '{"path": "/tmp/a.mp4", "height": 480}' --timeout 5min --why
  flame call main image::blur '["@photo.png", 3]' --attachments out --json | jq .result)";

Result<std::string> argument_text(const std::string& given, const Interrupts& interrupts) {
  if (given != "-") return given;
  return read_input(STDIN_FILENO, interrupts.fd(), limits::kPayloadMaxCeiling);
}

void print_result(const Json& result, bool json, const Interrupts& interrupts) {
  const Terminal out(STDOUT_FILENO, interrupts.fd());
  if (json) {
    out.write(json_line(success(result)));
  } else if (out.is_terminal()) {
    out.write(result.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  } else {
    out.write(json_line(result));
  }
}

// The host ends with this command, and what it remembers with it.
void print_story(const Interrupts& interrupts) {
  const Terminal terminal(STDERR_FILENO, interrupts.fd());
  const auto hosts = find_hosts({.host = std::to_string(::getpid()), .control = {}});
  auto answer = hosts ? ask(hosts->front(), control::WhyRequest{.which = control::WhyRequest::Which::last})
                      : control::Answer(hosts.error());
  if (!answer) return print_error(answer.error(), false, interrupts.fd());
  if (const auto* call = std::get_if<control::CallReport>(&*answer)) terminal.try_write(story_text(*call, terminal));
}

int call(const CallCommandOptions& options, const Interrupts& interrupts) {
  const auto fail = [&](const Error& error, int code) {
    print_error(error, options.json, interrupts.fd());
    return interrupts.interrupted() ? interrupts.exit_code() : code;
  };
  const auto timeout = parse_timeout(options);
  if (!timeout) return fail(timeout.error(), kUsage);
  const auto text = argument_text(options.arguments, interrupts);
  if (!text) return fail(text.error(), kFailed);
  const auto arguments = parse_json(*text);
  if (!arguments) return fail(arguments.error(), kUsage);
  auto session = open_session(options.config, options.pool, options.task);
  if (!session) return fail(session.error(), kUsage);
  auto codec = JsonCodec::from_schema((*session)->task.schema);
  if (!codec) return fail(codec.error(), kUsage);
  auto payload = codec->encode(*arguments);
  if (!payload) {
    auto error = std::move(payload).error();
    error.message += " " + options.task + " takes " + codec->parameters() + ".";
    return fail(error, kUsage);
  }

  const auto status = std::make_shared<StatusLine>(interrupts.fd());
  (*session)->pool.on_log([status](const LogEvent& event) { status->print_output(event.text); });
  const auto result =
      call_raw((*session)->pool, options.task, std::move(*payload), {.timeout = *timeout, .stop = interrupts.token()},
               [status](double fraction, const std::string& message) { status->progress(fraction, message); });
  status->clear();
  if (options.why) print_story(interrupts);
  if (!result) return fail(result.error(), kFailed);
  const auto decoded = codec->decode(*result, attachment_writer(options, ""));
  if (!decoded) return fail(decoded.error(), kFailed);
  print_result(*decoded, options.json, interrupts);
  return kOk;
}

int run_call(const CallCommandOptions& options) {
  const Interrupts interrupts;
  try {
    return call(options, interrupts);
  } catch (const OutputError&) {
    if (interrupts.interrupted()) return interrupts.exit_code();
    throw;
  }
}

}  // namespace

void add_call(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<CallCommandOptions>();
  auto* command = app.add_subcommand("call", "Call a task once and print its result");
  add_shared_options(*command, *options);
  command->add_option("JSON", options->arguments, "the arguments; default: none");
  command->add_flag("--why", options->why, "tell on standard error what became of the call, step by step");
  command->footer(kCallExamples);
  command->callback([options, &exit_code] { exit_code = run_call(*options); });
}

}  // namespace flame::cli
