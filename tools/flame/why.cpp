// flame why: the story of one call.
#include <unistd.h>

#include <CLI/CLI.hpp>

#include <memory>
#include <utility>
#include <vector>

#include "host/src/control/answer.hpp"
#include "tools/flame/command.hpp"
#include "tools/flame/hosts.hpp"
#include "tools/flame/report.hpp"
#include "tools/flame/status_text.hpp"

namespace flame::cli {
namespace {

struct WhyOptions {
  std::uint64_t invocation = 0;
  bool last = false;
  bool failed = false;
  HostChoice choice;
  bool json = false;
};

constexpr const char* kWhyExamples =
    R"(Tells what became of a call in a running host: when it was queued and why, which boot it waited for, when it was
sent, what it returned or died of. The number is in every error ("invocation 17"), and in a program Future::id(),
LogEvent::call and Error::invocation. Hosts remember a limited number of calls; after `flame call` the host is gone:
use `flame call --why`.

Examples:
  flame why 17
  flame why --failed
  flame why --last --host web-1
  flame why 17 --json | jq -r '.result.calls[].lines[].text')";

control::WhyRequest request_of(const WhyOptions& options) {
  using Which = control::WhyRequest::Which;
  return {.which = options.last     ? Which::last
                   : options.failed ? Which::failed
                                    : Which::number,
          .invocation = options.invocation};
}

void print(const std::vector<control::CallReport>& calls, bool json) {
  const Terminal out(STDOUT_FILENO);
  if (json) {
    Json list = Json::array();
    for (const auto& call : calls) list.push_back(control::to_object(call));
    out.write(json_line(success({{"calls", std::move(list)}})));
    return;
  }
  std::string text;
  for (const auto& call : calls) text += (text.empty() ? "" : "\n") + story_text(call, out);
  out.write(text);
}

int fail_why(const Error& error, bool json, int code) {
  print_error(error, json);
  return code;
}

int run_why(const WhyOptions& options) {
  const int chosen = (options.invocation > 0 ? 1 : 0) + (options.last ? 1 : 0) + (options.failed ? 1 : 0);
  if (chosen != 1) {
    return fail_why(usage_error("name one call: its number, --last or --failed (see flame why --help)."), options.json,
                    kUsage);
  }
  const auto hosts = find_hosts(options.choice);
  if (!hosts) return fail_why(hosts.error(), options.json, kFailed);
  std::vector<control::CallReport> calls;
  Error error;
  for (const FoundHost& host : *hosts) {
    auto answer = ask(host, request_of(options));
    if (!answer) {
      error = answer.error();
    } else if (auto* call = std::get_if<control::CallReport>(&*answer)) {
      calls.push_back(std::move(*call));
    }
  }
  if (calls.empty()) return fail_why(error, options.json, kFailed);
  print(calls, options.json);
  return kOk;
}

}  // namespace

void add_why(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<WhyOptions>();
  auto* command = app.add_subcommand("why", "Tell what became of a call in a running host");
  command->add_option("INVOCATION", options->invocation, "number of the call");
  command->add_flag("--last", options->last, "the call that ended last");
  command->add_flag("--failed", options->failed, "the call that failed last");
  add_host_options(*command, options->choice);
  command->add_flag("--json", options->json, "as JSON on standard output; keys: host/src/control/README.md");
  command->footer(kWhyExamples);
  command->callback([options, &exit_code] { exit_code = run_why(*options); });
}

}  // namespace flame::cli
