// flame plugin diff: what changes for hosts when one version of a plugin takes the place of another.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include <memory>
#include <string>
#include <utility>

#include "host/src/plugins/manifest_diff.hpp"
#include "host/src/plugins/store/store.hpp"
#include "plugin_sdk/manifest/manifest.hpp"
#include "tools/flame/command.hpp"
#include "tools/flame/plugin_place.hpp"
#include "tools/flame/report.hpp"

namespace flame::cli {
namespace {

struct DiffOptions {
  std::string old_version;
  std::string new_version;
  PlaceChoice place;
  bool json = false;
};

constexpr const char* kDiffExamples =
    R"(Compares the tasks of two versions, as a host does before it takes NEW in the place of OLD. A text with a slash
or with .so at its end is a file; all else is a reference to a version in the store.
Exit code 1 when hosts that run with OLD cannot call NEW.

Examples:
  flame plugin diff video build/plugins/video.so
  flame plugin diff video@1.4.0 video@1.5.0
  flame plugin diff --json video@1.4.0 video@1.5.0 | jq '.result.differences[] | select(.change == "removed")')";

struct DiffSide {
  std::string file;
  manifest::Manifest manifest;
  [[nodiscard]] std::string reference() const { return manifest.name + "@" + manifest.version.to_string(); }
};

bool names_file(const std::string& text) {
  return text.find('/') != std::string::npos || text.ends_with(".so");
}

Result<std::string> file_in_store(const std::string& text, const PlaceChoice& choice) {
  const auto reference = manifest::PluginReference::parse(text);
  if (!reference) return reference.error();
  const auto place = find_place(choice);
  if (!place) return place.error();
  store::SystemFiles system;
  const auto found = store::Store(place->store, system).find(*reference);
  if (!found) return found.error();
  return found->file.string();
}

Result<DiffSide> read_side(const std::string& text, const PlaceChoice& choice) {
  auto file = names_file(text) ? Result<std::string>(text) : file_in_store(text, choice);
  if (!file) return std::move(file).error();
  auto manifest = manifest::read(*file);
  if (!manifest) return std::move(manifest).error();
  return DiffSide{std::move(*file), std::move(*manifest)};
}

Json describe_side(const DiffSide& side) {
  return {{"name", side.manifest.name}, {"version", side.manifest.version.to_string()}, {"file", side.file}};
}

Json diff_to_json(const DiffSide& before, const DiffSide& after, const pool::ManifestDiff& diff) {
  Json differences = Json::array();
  for (const pool::TaskDifference& one : diff.differences) {
    Json difference{{"change", pool::to_string(one.change)}, {"task", one.task}};
    if (!one.what.empty()) difference["what"] = one.what;
    differences.push_back(std::move(difference));
  }
  return {{"old", describe_side(before)},
          {"new", describe_side(after)},
          {"differences", std::move(differences)},
          {"old_hosts_can_call", diff.old_hosts_can_call}};
}

int fail_diff(const Error& error, bool json) {
  print_error(error, json);
  return kUsage;
}

int run_diff(const DiffOptions& options) {
  const auto before = read_side(options.old_version, options.place);
  if (!before) return fail_diff(before.error(), options.json);
  const auto after = read_side(options.new_version, options.place);
  if (!after) return fail_diff(after.error(), options.json);
  if (before->manifest.name != after->manifest.name) {
    return fail_diff(usage_error(before->reference() + " and " + after->reference() +
                                 " are two plugins, so neither takes the other's place; name two versions of one."),
                     options.json);
  }
  const auto diff = pool::diff_manifests(before->manifest, after->manifest);
  const std::string verdict = diff.old_hosts_can_call ? ""
                                                      : "hosts that run with " + before->reference() + " cannot call " +
                                                            after->reference() + "\n";
  Terminal(STDOUT_FILENO)
      .write(options.json ? json_line(success(diff_to_json(*before, *after, diff)))
                          : printable(diff.to_string() + verdict));
  return diff.old_hosts_can_call ? kOk : kFailed;
}

}  // namespace

void add_plugin_diff(CLI::App& plugin, int& exit_code) {
  auto options = std::make_shared<DiffOptions>();
  auto* command = plugin.add_subcommand("diff", "Compare the tasks of two versions of a plugin");
  command->add_option("OLD", options->old_version, "a plugin (.so), or NAME@VERSION in the store")->required();
  command->add_option("NEW", options->new_version, "the same")->required();
  add_place_options(*command, options->place);
  command->add_flag("--json", options->json, "differences as JSON on standard output");
  command->footer(kDiffExamples);
  command->callback([options, &exit_code] { exit_code = run_diff(*options); });
}

}  // namespace flame::cli
