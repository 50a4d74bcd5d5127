// flame plugin remove, flame plugin gc: versions out of the store.
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include <memory>
#include <string>
#include <vector>

#include "host/src/plugins/store/store.hpp"
#include "plugin_sdk/base/units.hpp"
#include "tools/flame/command.hpp"
#include "tools/flame/plugin_store_act.hpp"
#include "tools/flame/plugin_store_text.hpp"

namespace flame::cli {
namespace {

struct RemoveCommand {
  std::vector<std::string> references;
  PlaceChoice place;
  bool json = false;
};

constexpr const char* kRemoveExamples =
    R"(Removes versions from the store. What is active somewhere, was active before, or is used by a running host is
refused, and the message says by whom. REF names one version: NAME@1.4.0, or NAME@sha256: with at least 12 digits.
Of several each is removed or refused by itself; with --json each has a line of its own.

Examples:
  flame plugin remove video@1.3.0 video@1.3.1
  flame plugin remove video@sha256:0123456789ab)";

constexpr const char* kGcExamples =
    R"(Removes every version that is not active anywhere, was not active before, and is not used by a running host, and
what installs that were killed have left.

Example:
  flame plugin gc --json | jq .result.bytes)";

Result<StoreAnswer> remove_one(store::Store& store, const PluginPlace&, const std::string& text) {
  const auto reference = manifest::PluginReference::parse(text);
  if (!reference) return reference.error();
  const auto removed = store.remove(*reference);
  if (!removed) return removed.error();
  return StoreAnswer{removed_text(*removed), removed_to_json(*removed)};
}

Result<StoreAnswer> remove_unused(store::Store& store, const PluginPlace&, const std::string&) {
  const auto removed = store.gc();
  if (!removed) return removed.error();
  const std::string last = removed->builds.empty()
                               ? "nothing to remove\n"
                               : fmt::format("{} are free again\n", base::approximate_size(removed->bytes));
  return StoreAnswer{removed_text(*removed) + last, removed_to_json(*removed)};
}

}  // namespace

void add_plugin_remove(CLI::App& plugin, int& exit_code) {
  auto options = std::make_shared<RemoveCommand>();
  auto* command = plugin.add_subcommand("remove", "Remove versions from the store");
  command->add_option("REF", options->references, "NAME@VERSION or NAME@sha256:DIGITS")->required();
  add_place_options(*command, options->place);
  command->add_flag("--json", options->json, "one line of JSON for each reference on standard output");
  command->footer(kRemoveExamples);
  command->callback([options, &exit_code] {
    exit_code = act_on_store(options->place, options->json, options->references, remove_one);
  });
}

void add_plugin_gc(CLI::App& plugin, int& exit_code) {
  auto options = std::make_shared<RemoveCommand>();
  auto* command = plugin.add_subcommand("gc", "Remove all versions from the store that nothing uses");
  add_place_options(*command, options->place);
  command->add_flag("--json", options->json, "what was removed as JSON on standard output");
  command->footer(kGcExamples);
  command->callback(
      [options, &exit_code] { exit_code = act_on_store(options->place, options->json, {""}, remove_unused); });
}

}  // namespace flame::cli
