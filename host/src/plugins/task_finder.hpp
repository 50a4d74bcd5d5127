// Finds the task that a caller means in what a pool serves.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <flame/result.hpp>

#include "host/src/plugins/catalog_plugin.hpp"
#include "host/src/plugins/task_matches.hpp"

namespace flame::pool {

/// What a host's code knows about a task it calls. Without a fingerprint (command line) the name alone decides.
struct TaskQuery {
  std::string_view name;                     ///< "video::resize_quality"
  std::optional<std::uint64_t> fingerprint;  ///< of the caller's signature
  std::string_view schema;                   ///< the caller's derived schema, for compatibility and messages
};

/// A task settled to one digest. `entry->fingerprint` is what Invoke carries; `entry` has the task's options.
struct TaskRef {
  const CatalogPlugin* plugin = nullptr;
  const manifest::TaskEntry* entry = nullptr;
};

/// Any thread.
class TaskFinder {
 public:
  /// The task `query.name` in one of `plugins` (the first that has it wins), which belong to one Catalog. Errors:
  /// not_found (lists the tasks that exist, suggests the nearest); signature_mismatch naming both signatures.
  [[nodiscard]] Result<TaskRef> find(std::span<const CatalogPlugin* const> plugins, const TaskQuery& query);

 private:
  [[nodiscard]] const manifest::TaskEntry* match(const CatalogPlugin& plugin, const TaskQuery& query,
                                                 const std::vector<const manifest::TaskEntry*>& entries);

  TaskMatches matches_;
};

}  // namespace flame::pool
