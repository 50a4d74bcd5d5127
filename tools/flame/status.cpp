// flame status: what the running hosts do.
#include <unistd.h>

#include <CLI/CLI.hpp>

#include <filesystem>
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

struct StatusOptions {
  std::string pool;
  HostChoice choice;
  bool json = false;
};

constexpr const char* kStatusExamples =
    R"(Attaches to every host of yours that runs on this machine (a program that embeds flame::Host; `flame call` and
`flame map` while they work) and shows its pools, runners, slots, queue and boots. Root sees those of all users.

Examples:
  flame status
  flame status ffmpeg --host web-1
  flame status --control /run/thumbs/flame.sock
  flame status --json | jq '.result.hosts[].pools[].stats')";

struct Outcome {
  FoundHost host;
  control::Answer answer;
};

// A host that has ended since it was found is no news.
bool has_gone(const Outcome& outcome) {
  std::error_code error;
  return outcome.answer.has_error() && outcome.host.pid != 0 && !outcome.host.control.empty() &&
         !std::filesystem::exists(outcome.host.control, error);
}

const control::HostStatus* status_of(const Outcome& outcome) {
  return outcome.answer ? std::get_if<control::HostStatus>(&*outcome.answer) : nullptr;
}

Json to_json(const Outcome& outcome) {
  Json host = Json::object();
  if (const auto* status = status_of(outcome)) {
    host = control::to_object(*status);
  } else {
    if (outcome.host.pid != 0) host["pid"] = outcome.host.pid;
    host["error"] = error_to_json(outcome.answer.error());
  }
  host["control"] = outcome.host.control;
  return host;
}

void print_json(const std::vector<Outcome>& outcomes) {
  Json hosts = Json::array();
  for (const Outcome& outcome : outcomes) hosts.push_back(to_json(outcome));
  Terminal(STDOUT_FILENO).write(json_line(success({{"hosts", std::move(hosts)}})));
}

void print_text(const std::vector<Outcome>& outcomes) {
  const Terminal out(STDOUT_FILENO);
  bool first = true;
  for (const Outcome& outcome : outcomes) {
    if (const auto* status = status_of(outcome)) {
      out.write((std::exchange(first, false) ? "" : "\n") + status_text(*status, out));
    } else {
      print_error(outcome.answer.error(), false);
    }
  }
}

int fail_status(const Error& error, bool json) {
  print_error(error, json);
  return kFailed;
}

int run_status(const StatusOptions& options) {
  const auto hosts = find_hosts(options.choice);
  if (!hosts) return fail_status(hosts.error(), options.json);
  std::vector<Outcome> outcomes;
  bool answered = false;
  for (const FoundHost& host : *hosts) {
    Outcome outcome{host, ask(host, control::StatusRequest{.pool = options.pool})};
    if (has_gone(outcome)) continue;
    answered = answered || status_of(outcome) != nullptr;
    outcomes.push_back(std::move(outcome));
  }
  // Of several hosts, those without the pool that was asked for are not meant.
  if (answered && !options.pool.empty()) {
    std::erase_if(outcomes, [](const Outcome& outcome) {
      return outcome.answer.has_error() && outcome.answer.error().code == ErrorCode::not_found;
    });
  }
  if (outcomes.empty()) return fail_status(usage_error("the hosts that ran have just ended."), options.json);
  if (!answered && outcomes.size() == 1) return fail_status(outcomes.front().answer.error(), options.json);
  options.json ? print_json(outcomes) : print_text(outcomes);
  return answered ? kOk : kFailed;
}

}  // namespace

void add_status(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<StatusOptions>();
  auto* command = app.add_subcommand("status", "Show the pools and runners of running hosts");
  command->add_option("POOL", options->pool, "this pool only");
  add_host_options(*command, options->choice);
  command->add_flag("--json", options->json, "as JSON on standard output; keys: host/src/control/README.md");
  command->footer(kStatusExamples);
  command->callback([options, &exit_code] { exit_code = run_status(*options); });
}

}  // namespace flame::cli
