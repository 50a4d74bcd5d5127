// The loaded plugin's tasks, found by their id.
#include "runner/slot/plugin_table.hpp"

#include "plugin_sdk/base/task_id.hpp"

namespace flame::slot {

PluginTable::PluginTable(const flame_plugin& plugin) : plugin_(&plugin) {
  tasks_.reserve(plugin.task_count);
  for (std::uint32_t i = 0; i < plugin.task_count; ++i) {
    const flame_task& task = task_at(plugin, i);
    tasks_.emplace(base::task_id(task.name, task.fingerprint), &task);
  }
}

const flame_task* PluginTable::find(std::uint64_t id) const {
  const auto found = tasks_.find(id);
  return found == tasks_.end() ? nullptr : found->second;
}

}  // namespace flame::slot
