// flame machines list, flame machines logs: what engines hold for hosts.
#include <unistd.h>

#include <CLI/CLI.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "host/src/control/answer.hpp"
#include "tools/flame/command.hpp"
#include "tools/flame/machine_source.hpp"
#include "tools/flame/machines_reap.hpp"
#include "tools/flame/machines_text.hpp"
#include "tools/flame/report.hpp"

namespace flame::cli {
namespace {

struct MachinesOptions {
  SourceChoice source;
  std::string machine;
  bool json = false;
};

constexpr const char* kListExamples =
    R"(Shows the machines that backends hold for hosts of this name, also for those that are gone, and whom each belongs
to. It asks the running hosts, or with --config the backends themselves. Machines of backend local end with their host
and are not listed.

Examples:
  flame machines list
  flame machines list --config /etc/thumbs/flame.toml
  flame machines list --json | jq '.result.hosts[].backends[].machines[]')";

constexpr const char* kLogsExamples =
    R"(Shows the end of a machine's own log. MACHINE is its name or its id in `flame machines list`.

Example:
  flame machines logs flame-3kq0v5w1m8x2z-4 --config flame.toml)";

// Its error goes to standard error, so that what others answer is shown.
bool has_failed(const control::MachineList& list) {
  for (const auto& backend : list.backends)
    if (!backend.error.empty()) return true;
  return false;
}

int run_list(const MachinesOptions& options) {
  auto sources = open_sources(options.source);
  if (!sources) return fail_machines(sources.error(), options.json);
  Json hosts = Json::array();
  std::string text;
  bool failed = false;
  for (const auto& source : *sources) {
    const auto list = source->list();
    failed = failed || !list || has_failed(*list);
    if (list) {
      hosts.push_back(control::to_object(*list));
      text += (text.empty() ? "" : "\n") + machines_text(*list, Terminal(STDOUT_FILENO));
    } else {
      hosts.push_back({{"error", error_to_json(list.error())}});
      if (!options.json) print_error(list.error(), false);
    }
  }
  Terminal(STDOUT_FILENO).write(options.json ? json_line(success({{"hosts", std::move(hosts)}})) : text);
  return exit_code(*sources, failed ? kFailed : kOk);
}

// Backends that do not list know their own machines all the same.
Result<std::string> log_of_own(const MachineSources& sources, const std::vector<SourceList>& lists,
                               const std::string& machine, Error not_listed) {
  for (const SourceList& one : lists) {
    for (const auto& backend : one.list.backends) {
      if (backend.lists) continue;
      auto log = sources[one.source]->log({.backend = backend.backend, .name = machine, .id = {}});
      if (log) return log;
    }
  }
  return not_listed;
}

Result<std::string> log_of(const MachineSources& sources, const std::string& machine) {
  const AllLists all = list_all(sources);
  const auto meant = machines_meant(all_machines(all.lists), {machine});
  if (!meant) return log_of_own(sources, all.lists, machine, or_missing(meant.error(), all.missing));
  const ListedMachine& one = meant->front();
  return sources[one.source]->log({.backend = one.backend, .name = one.machine.name, .id = one.machine.id});
}

int run_logs(const MachinesOptions& options) {
  const auto sources = open_sources(options.source);
  if (!sources) return fail_machines(sources.error(), options.json);
  const auto log = log_of(*sources, options.machine);
  if (!log) return exit_code(*sources, fail_machines(log.error(), options.json));
  if (options.json) {
    Terminal(STDOUT_FILENO).write(json_line(success({{"machine", options.machine}, {"log", *log}})));
    return kOk;
  }
  const Terminal out(STDOUT_FILENO);
  out.write(out.is_terminal() ? printable(*log) : *log);
  if (!log->empty() && log->back() != '\n') out.write("\n");
  return kOk;
}

void add_list(CLI::App& machines, int& exit_code) {
  auto options = std::make_shared<MachinesOptions>();
  auto* command = machines.add_subcommand("list", "Show the machines of hosts, also of those that are gone");
  add_source_options(*command, options->source);
  command->add_flag("--json", options->json, "the same as one line of JSON");
  command->footer(kListExamples);
  command->callback([options, &exit_code] { exit_code = run_list(*options); });
}

void add_logs(CLI::App& machines, int& exit_code) {
  auto options = std::make_shared<MachinesOptions>();
  auto* command = machines.add_subcommand("logs", "Show the end of a machine's log");
  command->add_option("MACHINE", options->machine, "its name or id")->required();
  add_source_options(*command, options->source);
  command->add_flag("--json", options->json, "as one line of JSON");
  command->footer(kLogsExamples);
  command->callback([options, &exit_code] { exit_code = run_logs(*options); });
}

}  // namespace

void add_machines(CLI::App& app, int& exit_code) {
  auto* machines = app.add_subcommand("machines", "Look at the machines of hosts, and destroy what is left of them");
  machines->require_subcommand(1);
  add_list(*machines, exit_code);
  add_logs(*machines, exit_code);
  add_machines_reap(*machines, exit_code);
}

}  // namespace flame::cli
