// One row for each digest, from a listing, records and hosts.
#include "tools/flame/plugin_list_text.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "plugin_sdk/manifest/semver.hpp"
#include "tools/flame/plugin_store_text.hpp"
#include "tools/flame/table.hpp"

namespace flame::cli {
namespace {

/// A digest, and where it is active.
struct Row {
  std::string name;
  std::string digest;
  const store::Installed* plugin = nullptr;  ///< null: not in the store
  std::vector<std::string> active;           ///< scopes
  std::vector<std::string> before;           ///< scopes where another took its place
  std::vector<const store::HostUse*> hosts;
};

Row row_of(const StoreView& view, const std::string& name, const std::string& digest) {
  Row row{.name = name, .digest = digest, .plugin = nullptr, .active = {}, .before = {}, .hosts = {}};
  if (const auto records = view.records.find(name); records != view.records.end()) {
    for (const store::Record& record : records->second.all()) {
      if (record.digest == digest) row.active.push_back(record.scope.to_string());
      if (record.previous == digest) row.before.push_back(record.scope.to_string());
    }
  }
  for (const store::HostUse& host : view.hosts) {
    if (std::ranges::find(host.digests, digest) != host.digests.end()) row.hosts.push_back(&host);
  }
  return row;
}

// Those of the plugin that only its records name.
void add_strangers(const StoreView& view, const std::string& name, const store::Records& records,
                   std::vector<Row>& rows) {
  std::set<std::string> known = {""};
  for (const store::Installed& plugin : view.plugins) {
    if (plugin.name == name) known.insert(plugin.digest);
  }
  for (const store::Record& record : records.all()) {
    for (const std::string& digest : {record.digest, record.previous}) {
      if (known.insert(digest).second) rows.push_back(row_of(view, name, digest));
    }
  }
}

// By plugin; what is not in the store comes last.
std::vector<Row> rows_of(const StoreView& view) {
  std::vector<Row> rows;
  for (const store::Installed& plugin : view.plugins) {
    rows.push_back(row_of(view, plugin.name, plugin.digest));
    rows.back().plugin = &plugin;
  }
  for (const auto& [name, records] : view.records) add_strangers(view, name, records, rows);
  std::ranges::stable_sort(rows, {}, &Row::name);
  return rows;
}

std::string with_commas(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

std::string short_digest(const std::string& digest) {
  return digest.substr(0, manifest::kDigestPrefixMin);
}

std::string hosts_text(const Row& row) {
  std::vector<std::string> names;
  for (const auto* host : row.hosts) names.push_back(host->name + " (pid " + std::to_string(host->pid) + ")");
  return with_commas(names);
}

std::string notes(const Row& row) {
  if (row.plugin == nullptr) return "not in the store";
  std::vector<std::string> words;
  if (row.plugin->refusal) words.emplace_back("refused");
  if (row.plugin->replaced) words.emplace_back("replaced");
  if (!row.plugin->present) words.emplace_back("its file is gone");
  return with_commas(words);
}

Json row_to_json(const Row& row) {
  Json out{{"name", row.name}};
  if (row.plugin != nullptr) out["version"] = row.plugin->version.to_string();
  out["digest"] = row.digest;
  if (row.plugin != nullptr) {
    out["file"] = row.plugin->file.string();
    out["source"] = row.plugin->source;
    out["installed"] = utc_time(row.plugin->installed, true);
    out["replaced"] = row.plugin->replaced;
  }
  out["present"] = row.plugin != nullptr && row.plugin->present;
  out["active_in"] = row.active;
  out["previous_in"] = row.before;
  out["used_by"] = Json::array();
  for (const store::HostUse* host : row.hosts) out["used_by"].push_back({{"host", host->name}, {"pid", host->pid}});
  if (row.plugin == nullptr || !row.plugin->refusal) return out;
  const store::Refusal& refusal = *row.plugin->refusal;
  out["refused"] = {{"reason", refusal.reason}};
  if (!refusal.host.empty()) out["refused"]["host"] = refusal.host;
  if (refusal.time != 0) out["refused"]["time"] = utc_time(refusal.time, true);
  return out;
}

}  // namespace

std::string list_text(const StoreView& view, const Terminal& terminal) {
  const std::vector<Row> rows = rows_of(view);
  const std::string head = "plugin store " + one_line(view.root);
  if (rows.empty()) return head + ": empty\n";
  Table table({"PLUGIN", "VERSION", "DIGEST", "INSTALLED (UTC)", "ACTIVE IN", "BEFORE IN", "USED BY", "NOTE"});
  std::string refused;
  for (const Row& row : rows) {
    const std::string version = row.plugin == nullptr ? "-" : row.plugin->version.to_string();
    table.add({row.name,
               version,
               {short_digest(row.digest), Style::dim},
               row.plugin == nullptr ? "-" : utc_time(row.plugin->installed),
               with_commas(row.active),
               with_commas(row.before),
               hosts_text(row),
               {notes(row), Style::yellow}});
    if (row.plugin != nullptr && row.plugin->refusal) {
      refused += one_line(row.plugin->reference() + " (" + short_digest(row.digest) + ") " +
                          refusal_text(*row.plugin->refusal)) +
                 "\n";
    }
  }
  return head + "\n" + table.text(terminal) + refused;
}

Json list_to_json(const StoreView& view) {
  Json plugins = Json::array();
  for (const Row& row : rows_of(view)) plugins.push_back(row_to_json(row));
  Json hosts = Json::array();
  for (const store::HostUse& host : view.hosts) {
    hosts.push_back({{"host", host.name}, {"pid", host.pid}, {"digests", host.digests}});
  }
  Json damaged = Json::array();
  for (const Error& error : view.damaged) damaged.push_back(error.message);
  return {{"store", view.root},
          {"plugins", std::move(plugins)},
          {"hosts", std::move(hosts)},
          {"damaged", std::move(damaged)}};
}

}  // namespace flame::cli
