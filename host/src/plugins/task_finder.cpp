// Which task is meant, and what to say when it is not there or has another signature.
#include "host/src/plugins/task_finder.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include <flame/detail/compatible.hpp>

#include "plugin_sdk/base/make_error.hpp"
#include "plugin_sdk/base/suggest.hpp"
#include "plugin_sdk/base/task_id.hpp"

namespace flame::pool {

namespace {

using manifest::TaskEntry;

Error mismatch(const CatalogPlugin& plugin, const std::vector<const TaskEntry*>& entries, const TaskQuery& query) {
  std::string difference;
  std::ignore = detail::compatible(query.schema, entries.front()->schema, &difference);
  const std::string name(query.name);
  std::string message =
      "the host calls " + name + detail::signature_text(query.schema) + ", but " + plugin.reference + " has ";
  for (const TaskEntry* entry : entries)
    message += (entry == entries.front() ? "" : " and ") + name + detail::signature_text(entry->schema);
  message += "; rebuild one of them from the same header";
  if (!difference.empty()) message += " (" + difference + ")";
  return base::make_error(ErrorCode::signature_mismatch, std::move(message));
}

// The entry of another signature that takes the caller's arguments; null when there is none.
const TaskEntry* matching(const std::vector<const TaskEntry*>& entries, const TaskQuery& query) {
  for (const TaskEntry* entry : entries)
    if (detail::compatible(query.schema, entry->schema, nullptr)) return entry;
  return nullptr;
}

// Nothing is there: says what is.
Error no_task(std::span<const CatalogPlugin* const> plugins, std::string_view name) {
  std::vector<std::string> names;
  std::string list;
  for (const CatalogPlugin* plugin : plugins) {
    std::string tasks;
    for (const TaskEntry& entry : plugin->manifest.tasks) {
      if (entry.kind == manifest::TaskKind::method) continue;
      names.push_back(entry.name);
      tasks += (tasks.empty() ? "" : ", ") + entry.name;
    }
    list += (list.empty() ? "" : "; ") + plugin->reference + " has " + (tasks.empty() ? "none" : tasks);
  }
  return base::make_error(ErrorCode::not_found, "no task \"" + std::string(name) + "\" in the pool's plugins: " + list +
                                                    base::did_you_mean(name, names));
}

}  // namespace

Result<TaskRef> TaskFinder::find(std::span<const CatalogPlugin* const> plugins, const TaskQuery& query) {
  std::optional<Error> disagreement;
  for (const CatalogPlugin* plugin : plugins) {
    const CatalogPlugin& candidate = *plugin;
    if (query.fingerprint) {  // nearly always, so without a list
      if (const TaskEntry* entry = candidate.manifest.find(base::task_id(query.name, *query.fingerprint)))
        return TaskRef{&candidate, entry};
    }
    const std::vector<const TaskEntry*> entries = candidate.manifest.find(query.name);
    if (entries.empty()) continue;
    if (!query.fingerprint && entries.size() == 1) return TaskRef{&candidate, entries.front()};
    if (!query.fingerprint)
      return base::make_error(ErrorCode::invalid_argument, std::string(query.name) + " is overloaded in " +
                                                               candidate.reference +
                                                               "; it can only be called with its types, from C++");
    if (const TaskEntry* entry = match(candidate, query, entries)) return TaskRef{&candidate, entry};
    if (!disagreement) disagreement = mismatch(candidate, entries, query);
  }
  if (disagreement) return *disagreement;
  return no_task(plugins, query.name);
}

// Comparing two schemas takes longer than a call.
const TaskEntry* TaskFinder::match(const CatalogPlugin& plugin, const TaskQuery& query,
                                   const std::vector<const TaskEntry*>& entries) {
  if (const auto known = matches_.find(plugin.id, query.name, *query.fingerprint)) return *known;
  const TaskEntry* const entry = matching(entries, query);
  matches_.remember(plugin.id, query.name, *query.fingerprint, entry);
  return entry;
}

}  // namespace flame::pool
