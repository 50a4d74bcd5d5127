// flame plugin activate, flame plugin rollback: which version of a plugin running hosts serve, and later ones.
#include <unistd.h>

#include <CLI/CLI.hpp>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "plugin_sdk/base/make_error.hpp"
#include "plugin_sdk/base/units.hpp"
#include "plugin_sdk/manifest/semver.hpp"
#include "tools/flame/command.hpp"
#include "tools/flame/hosts.hpp"
#include "tools/flame/interrupts.hpp"
#include "tools/flame/plugin_change.hpp"
#include "tools/flame/plugin_change_hosts.hpp"
#include "tools/flame/plugin_change_record.hpp"
#include "tools/flame/plugin_place.hpp"
#include "tools/flame/report.hpp"

namespace flame::cli {
namespace {

using control::ChangeRequest;

struct ChangeCommand {
  ChangeRequest request;
  std::string drain_within;
  HostChoice choice;
  PlaceChoice place;
  bool json = false;

  [[nodiscard]] bool for_all() const {
    return choice.host.empty() && choice.control.empty() && request.options.pool.empty();
  }
};

constexpr const char* kActivateExamples =
    R"(Running hosts of yours that serve the plugin load the version beside the one they have, and switch in one step:
every later call goes to it, what runs already ends where it is, nothing is lost. REF is NAME@1.5.0, NAME@1 (the
highest that hosts find in their store or [plugins] path) or NAME@sha256: with at least 12 digits. When all hosts have
done it, the store has it as active for hosts that start later, too; if no host runs, that is all there is to do. With
--host or --control one host changes and keeps it for its own next start; --pool changes one pool of each host.
Exit code 1 when a host could not: that one is as it was before, and nothing is recorded for later ones.

Examples:
  flame plugin activate video@1.5.0
  flame plugin activate video@1.5.0 --host web-1 --pool ffmpeg
  flame plugin activate video@2.0.0 --force --drain-within 5min
  flame plugin activate video@1 --json | jq '.result.hosts[].result.switched')";

constexpr const char* kRollbackExamples =
    R"(Running hosts of yours that serve the plugin go back to what each of their pools served before the last change; a
second rollback goes forth again. Otherwise as `flame plugin activate`.

Examples:
  flame plugin rollback video
  flame plugin rollback video --host web-1)";

int fail(const Error& error, const ChangeCommand& command, int code) {
  print_error(error, command.json);
  return code;
}

int print(const ChangeReport& report, bool json) {
  const Terminal out(STDOUT_FILENO);
  if (json) {
    out.write(json_line(change_to_json(report)));
  } else {
    out.write(change_text(report));
    for (const Error& error : change_errors(report)) print_error(error, false);
  }
  return report.ok() ? kOk : kFailed;
}

std::optional<Error> read_drain_within(ChangeCommand& command) {
  if (command.drain_within.empty()) return std::nullopt;
  const auto time = base::parse_duration(command.drain_within);
  if (!time) return usage_error("--drain-within: " + time.error().message);
  command.request.options.drain_within = *time;
  return std::nullopt;
}

// Whole references are for activate: a rollback knows its version.
Result<manifest::PluginReference> read_reference(const ChangeRequest& request) {
  auto reference = manifest::PluginReference::parse(request.plugin);
  if (!reference) return reference;
  const bool name_alone = reference->name == request.plugin;
  if (request.kind == ChangeRequest::Kind::rollback && !name_alone)
    return usage_error("\"" + request.plugin +
                       "\" is no name of a plugin: rollback goes to what was active before; `flame "
                       "plugin activate` takes a version.");
  return reference;
}

Result<ChangeReport> change_in_store(const ChangeCommand& command, const PluginPlace& place,
                                     const manifest::PluginReference& reference) {
  const bool forced = command.request.options.force;
  return command.request.kind == ChangeRequest::Kind::activate ? activate_in_store(place, reference, forced)
                                                               : roll_back_in_store(place, reference.name, forced);
}

Error no_such_pool(const std::string& plugin, const std::string& pool) {
  return base::make_error(ErrorCode::not_found, "no running host of yours has a pool \"" + pool + "\" that serves " +
                                                    plugin +
                                                    "; `flame status` shows what runs. Without --pool the "
                                                    "version is recorded for hosts that start later");
}

int say_interrupted(const Interrupts& interrupts, const std::vector<FoundHost>& under_way,
                    const ChangeCommand& command) {
  std::string hosts;
  for (const FoundHost& host : under_way) hosts += (hosts.empty() ? "" : ", ") + describe(host);
  return fail(base::make_error(ErrorCode::cancelled, "interrupted: the change goes on in " + hosts +
                                                         ", and nothing is recorded for other hosts; `flame status` "
                                                         "shows what it waits for."),
              command, interrupts.exit_code());
}

// `place`: where to record it; null: the hosts do that themselves.
int change_hosts(const ChangeCommand& command, ConcernedHosts concerned, const std::string& plugin,
                 const PluginPlace* place) {
  const Interrupts interrupts;
  HostChanges changes = change_on(concerned.hosts, command.request, interrupts.fd());
  ChangeReport report{.plugin = plugin,
                      .version = {},
                      .digest = {},
                      .hosts = std::move(changes.ended),
                      .recorded = false,
                      .notes = {},
                      .problem = {}};
  for (ChangedHost& silent : concerned.silent) report.hosts.push_back(std::move(silent));
  if (!changes.under_way.empty()) {
    if (!command.json) print(report, false);
    return say_interrupted(interrupts, changes.under_way, command);
  }
  if (place != nullptr && report.ok()) find_agreement(report);
  if (place != nullptr && report.ok()) record_agreement(*place, command.request.options.force, report);
  return print(report, command.json);
}

int run_change(ChangeCommand command) {
  if (const auto problem = read_drain_within(command)) return fail(*problem, command, kUsage);
  const auto reference = read_reference(command.request);
  if (!reference) return fail(reference.error(), command, kUsage);
  std::optional<PluginPlace> place;
  if (command.for_all()) {
    auto found = find_place(command.place);
    if (!found) return fail(found.error(), command, kUsage);
    place.emplace(std::move(*found));
  }
  const std::string& pool = command.request.options.pool;
  auto concerned = find_concerned(command.choice, reference->name, pool);
  if (!concerned) return fail(concerned.error(), command, kFailed);
  if (!concerned->hosts.empty() || !concerned->silent.empty())
    return change_hosts(command, std::move(*concerned), reference->name, place ? &*place : nullptr);
  if (!place) return fail(no_such_pool(reference->name, pool), command, kFailed);
  const auto report = change_in_store(command, *place, *reference);
  return report ? print(*report, command.json) : fail(report.error(), command, kFailed);
}

void add_change_options(CLI::App& command, const std::shared_ptr<ChangeCommand>& options, int& exit_code) {
  ActivateOptions& change = options->request.options;
  add_host_options(command, options->choice);
  command.add_option("--pool", change.pool, "this pool only; default: every pool whose `plugins` admit the version");
  command.add_flag(
      "--force", change.force,
      "also a version that was refused, that [plugins] revoked or min_version exclude, or that lacks tasks");
  command
      .add_option("--drain-within", options->drain_within,
                  "stop what still runs on the version before after this time: 30s, 5min; default: never")
      ->type_name("DURATION");
  add_place_options(command, options->place);
  command.add_flag("--json", options->json, "what was done as JSON on standard output");
  command.callback([options, &exit_code] { exit_code = run_change(*options); });
}

}  // namespace

void add_plugin_activate(CLI::App& plugin, int& exit_code) {
  auto options = std::make_shared<ChangeCommand>();
  options->request.kind = ChangeRequest::Kind::activate;
  auto* command = plugin.add_subcommand("activate", "Have running hosts, and those that start later, serve a version");
  command->add_option("REF", options->request.plugin, "NAME@VERSION, NAME@MAJOR or NAME@sha256:DIGITS")->required();
  add_change_options(*command, options, exit_code);
  command->footer(kActivateExamples);
}

void add_plugin_rollback(CLI::App& plugin, int& exit_code) {
  auto options = std::make_shared<ChangeCommand>();
  options->request.kind = ChangeRequest::Kind::rollback;
  auto* command = plugin.add_subcommand("rollback", "Have them serve what was active before");
  command->add_option("NAME", options->request.plugin, "a plugin")->required();
  add_change_options(*command, options, exit_code);
  command->footer(kRollbackExamples);
}

}  // namespace flame::cli
