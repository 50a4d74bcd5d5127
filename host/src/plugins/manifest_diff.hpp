// What differs between two versions of a plugin, and whether a host that runs with the old one can call the new one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "plugin_sdk/manifest/manifest.hpp"

namespace flame::pool {

enum class TaskChange : std::uint8_t {
  added,         ///< NEW has it alone
  options,       ///< timeout, retries or idempotent differ; callers notice nothing
  appended,      ///< fields at the end of tables: who was built against OLD can call it
  removed,       ///< NEW has no task of that name, or of an overload nothing that could stand in its place
  incompatible,  ///< NEW has the name, but takes, gives or is something else
};

/// "added", "options", "appended", "removed", "incompatible": for --json. [any thread]
[[nodiscard]] std::string_view to_string(TaskChange change) noexcept;

/// One task, factory of children, or method of an object.
struct TaskDifference {
  TaskChange change = TaskChange::added;
  std::string task;  ///< "video::show(string) -> int", as OLD has it, or as NEW has it if that was added
  std::string what;  ///< "retries 0 -> 2", or which field differs; empty where there is no more to say
};

/// In the order of OLD's tasks; what was added comes last, in the order of NEW.
struct ManifestDiff {
  std::vector<TaskDifference> differences;
  /// Nothing was removed or changed incompatibly. The rule by which a host takes NEW in the place of OLD.
  bool old_hosts_can_call = true;

  /// One line for each difference that matters to old hosts, joined by "; ": the end of an error message. Empty if they
  /// can call.
  [[nodiscard]] std::string breakage() const;
  /// One line for each difference, with a newline at its end; of no difference, a line that says so.
  [[nodiscard]] std::string to_string() const;
};

/// Compares the tasks, children and methods of two versions of a plugin by name and signature, as a host does that
/// looks for what it calls: a caller's task is served by the one of the same signature, else by one of the same name
/// that takes and gives the same but for appended fields. Pure; both may come from files that nobody vouches for. At
/// most FLAME_TASKS_MAX entries each. [any thread]
[[nodiscard]] ManifestDiff diff_manifests(const manifest::Manifest& old_version, const manifest::Manifest& new_version);

}  // namespace flame::pool
