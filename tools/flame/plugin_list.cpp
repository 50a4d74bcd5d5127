// flame plugin list: what is in the store, and what is active where.
#include <unistd.h>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "host/src/plugins/store/store.hpp"
#include "tools/flame/command.hpp"
#include "tools/flame/plugin_list_text.hpp"
#include "tools/flame/plugin_place.hpp"
#include "tools/flame/report.hpp"

namespace flame::cli {
namespace {

struct ListOptions {
  std::string name;
  PlaceChoice place;
  bool json = false;
};

constexpr const char* kListExamples =
    R"(Shows each version in the store: its digest, when it was installed, where it is active and was before (*
everywhere, HOST on hosts of a name, HOST/POOL in one pool of those), which running hosts use it, and why it is
refused.
Exit code 1 when a file of the store is damaged; each is named, and the rest is shown.

Examples:
  flame plugin list
  flame plugin list video --json | jq -r '.result.plugins[] | select(.active_in != []) | .digest')";

// The same file may be the reason for several answers.
void add_damaged(StoreView& view, const Error& error) {
  const auto same = [&error](const Error& known) { return known.message == error.message; };
  if (std::ranges::none_of(view.damaged, same)) view.damaged.push_back(error);
}

void read_records_of(const store::Store& store, const std::string& plugin, StoreView& view) {
  auto records = store.records(plugin);
  if (records) {
    view.records[plugin] = std::move(*records);
  } else {
    add_damaged(view, records.error());
  }
}

// One damaged file hides the records of its own plugin only.
void read_records(const store::Store& store, const std::string& name, StoreView& view) {
  if (!name.empty()) return read_records_of(store, name, view);
  auto all = store.all_records();
  if (all) {
    view.records = std::move(*all);
    return;
  }
  add_damaged(view, all.error());
  for (const store::Installed& plugin : view.plugins) read_records_of(store, plugin.name, view);
}

Result<StoreView> look(const store::Store& store, const std::string& root, const std::string& name) {
  auto listing = name.empty() ? store.list() : store.versions(name);
  if (!listing) return std::move(listing).error();
  StoreView view{.root = root, .plugins = std::move(listing->plugins), .records = {}, .hosts = {}, .damaged = {}};
  for (const Error& error : listing->damaged) add_damaged(view, error);
  read_records(store, name, view);
  auto hosts = store.hosts();
  if (hosts) {
    view.hosts = std::move(*hosts);
  } else {
    add_damaged(view, hosts.error());
  }
  return view;
}

// A plugin that nothing is known of is a name that was mistyped.
std::optional<Error> find_missing(const store::Store& store, const StoreView& view, const std::string& name) {
  if (name.empty() || !view.plugins.empty() || !view.damaged.empty()) return std::nullopt;
  if (const auto records = view.records.find(name); records != view.records.end() && !records->second.all().empty()) {
    return std::nullopt;
  }
  const auto found = store.find({.name = name, .major = {}, .minor = {}, .exact = {}, .digest = {}});
  return found ? std::nullopt : std::optional(found.error());
}

int fail_list(const Error& error, bool json) {
  print_error(error, json);
  return kUsage;
}

int run_list(const ListOptions& options) {
  const auto place = find_place(options.place);
  if (!place) return fail_list(place.error(), options.json);
  store::SystemFiles system;
  const store::Store store(place->store, system);
  const auto view = look(store, place->store.string(), options.name);
  if (!view) return fail_list(view.error(), options.json);
  if (const auto missing = find_missing(store, *view, options.name)) return fail_list(*missing, options.json);
  const Terminal out(STDOUT_FILENO);
  out.write(options.json ? json_line(success(list_to_json(*view))) : list_text(*view, out));
  if (!options.json) {
    for (const Error& error : view->damaged) print_error(error, false);
  }
  return view->damaged.empty() ? kOk : kFailed;
}

}  // namespace

void add_plugin_list(CLI::App& plugin, int& exit_code) {
  auto options = std::make_shared<ListOptions>();
  auto* command = plugin.add_subcommand("list", "Show what is in the store, and which versions are active");
  command->add_option("NAME", options->name, "this plugin only");
  add_place_options(*command, options->place);
  command->add_flag("--json", options->json, "everything as JSON on standard output");
  command->footer(kListExamples);
  command->callback([options, &exit_code] { exit_code = run_list(*options); });
}

}  // namespace flame::cli
