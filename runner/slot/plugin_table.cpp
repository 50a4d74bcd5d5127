// The loaded plugin's tasks, found by name and fingerprint.
#include "runner/slot/plugin_table.hpp"

namespace flame::slot {

PluginTable::PluginTable(const flame_plugin& plugin) : plugin_(&plugin) {
  tasks_.reserve(plugin.task_count);
  for (std::uint32_t i = 0; i < plugin.task_count; ++i) {
    const flame_task& task = task_at(plugin, i);
    tasks_.emplace(task.name, &task);
  }
}

PluginTable::Lookup PluginTable::find(std::string_view name, std::uint64_t fingerprint, const flame_task*& task) const {
  const auto [first, last] = tasks_.equal_range(name);
  for (auto entry = first; entry != last; ++entry) {
    if (entry->second->fingerprint != fingerprint) continue;
    task = entry->second;
    return Lookup::found;
  }
  return first == last ? Lookup::unknown_name : Lookup::other_fingerprint;
}

}  // namespace flame::slot
