// Catalog: finding a task in a pool's plugins, and what to say when it is not there or has another signature.
#include <algorithm>
#include <tuple>
#include <utility>

#include <flame/detail/compatible.hpp>

#include "host/src/plugins/catalog.hpp"
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

}  // namespace

Result<TaskRef> Catalog::find_task(std::span<const DigestId> plugins, const TaskQuery& query) const {
  std::optional<Error> disagreement;
  for (const DigestId id : plugins) {
    const CatalogPlugin& candidate = plugin(id);
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
const TaskEntry* Catalog::match(const CatalogPlugin& plugin, const TaskQuery& query,
                                const std::vector<const TaskEntry*>& entries) const {
  if (const auto known = matches_->find(plugin.id, query.name, *query.fingerprint)) return *known;
  const TaskEntry* const entry = matching(entries, query);
  matches_->remember(plugin.id, query.name, *query.fingerprint, entry);
  return entry;
}

Error Catalog::no_task(std::span<const DigestId> plugins, std::string_view name) const {
  std::vector<std::string> names;
  std::string list;
  for (const DigestId id : plugins) {
    std::string tasks;
    for (const TaskEntry& entry : plugin(id).manifest.tasks) {
      if (entry.kind == manifest::TaskKind::method) continue;
      names.push_back(entry.name);
      tasks += (tasks.empty() ? "" : ", ") + entry.name;
    }
    list += (list.empty() ? "" : "; ") + plugin(id).reference + " has " + (tasks.empty() ? "none" : tasks);
  }
  return base::make_error(ErrorCode::not_found, "no task \"" + std::string(name) + "\" in the pool's plugins: " + list +
                                                    base::did_you_mean(name, names));
}

}  // namespace flame::pool
