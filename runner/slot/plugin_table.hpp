// The loaded plugin's tasks, found by their id. Made once in the zygote, shared by its slots.
#pragma once

#include <flame_abi.h>

#include <cstdint>
#include <unordered_map>

namespace flame::slot {

class PluginTable {
 public:
  PluginTable() = default;
  /// `plugin` was validated and lives as long as the process.
  explicit PluginTable(const flame_plugin& plugin);

  /// By base::task_id(); null if there is none.
  [[nodiscard]] const flame_task* find(std::uint64_t id) const;
  [[nodiscard]] const flame_plugin& plugin() const { return *plugin_; }

 private:
  const flame_plugin* plugin_ = nullptr;
  std::unordered_map<std::uint64_t, const flame_task*> tasks_;
};

/// The plugin's idle_check(), or null: plugins of ABI 1.0 have no place for it.
[[nodiscard]] inline auto idle_check_of(const flame_plugin& plugin) {
  return plugin.struct_size < FLAME_PLUGIN_SIZE_V1_1 ? nullptr : plugin.idle_check;
}

/// The plugin's stop_slot(), or null, and its FLAME_PLUGIN_... bits: since ABI 1.2.
[[nodiscard]] inline auto stop_slot_of(const flame_plugin& plugin) {
  return plugin.struct_size < FLAME_PLUGIN_SIZE_V1_2 ? nullptr : plugin.stop_slot;
}
[[nodiscard]] inline std::uint64_t flags_of(const flame_plugin& plugin) {
  return plugin.struct_size < FLAME_PLUGIN_SIZE_V1_2 ? 0 : plugin.flags;
}

/// Entry `index` of the table; entries may be larger than this build's flame_task.
[[nodiscard]] inline const flame_task& task_at(const flame_plugin& plugin, std::uint32_t index) {
  const auto* first = reinterpret_cast<const unsigned char*>(plugin.tasks);
  return *reinterpret_cast<const flame_task*>(first + std::size_t{index} * plugin.task_stride);
}

}  // namespace flame::slot
