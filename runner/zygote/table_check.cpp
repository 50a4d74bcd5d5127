// Whether a plugin's table can be used by this build and is the one its manifest announced.
#include <cstring>
#include <string_view>
#include <unordered_set>

#include "plugin_sdk/base/task_id.hpp"
#include "runner/protocol/protocol.hpp"
#include "runner/slot/plugin_table.hpp"
#include "runner/zygote/loader.hpp"

namespace flame::slot {
namespace {

constexpr std::uint32_t kStructMax = 64 * 1024;
constexpr std::uint32_t kStrideMax = 4096;

bool is_name(const char* text) {
  if (text == nullptr) return false;
  const std::size_t size = ::strnlen(text, FLAME_NAME_MAX + 1);
  if (size == 0 || size > FLAME_NAME_MAX) return false;
  for (std::size_t i = 0; i < size; ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x20 || c == 0x7f) return false;
  }
  return true;
}

std::string check_sizes(const flame_plugin& plugin) {
  if (plugin.struct_size < FLAME_PLUGIN_SIZE_V1_0 || plugin.struct_size > kStructMax) {
    return "its table has the impossible size " + std::to_string(plugin.struct_size);
  }
  if (plugin.abi_major != FLAME_ABI_MAJOR) {
    return "it has ABI major " + std::to_string(plugin.abi_major) + ", this runner has " +
           std::to_string(FLAME_ABI_MAJOR);
  }
  if (plugin.abi_minor > FLAME_ABI_MINOR) {
    return "it needs ABI minor " + std::to_string(plugin.abi_minor) + ", this runner has " +
           std::to_string(FLAME_ABI_MINOR);
  }
  if (plugin.task_count > FLAME_TASKS_MAX || (plugin.task_count != 0 && plugin.tasks == nullptr)) {
    return "it has an impossible number of tasks";
  }
  if ((flags_of(plugin) & ~std::uint64_t{FLAME_PLUGIN_EXEC_SLOTS}) != 0) {
    return "it asks for something that this runner does not know; update the runner";
  }
  const bool stride =
      plugin.task_stride >= FLAME_TASK_SIZE_V1_0 && plugin.task_stride <= kStrideMax && plugin.task_stride % 8 == 0;
  return plugin.task_count == 0 || stride
             ? ""
             : "its task table has the impossible stride " + std::to_string(plugin.task_stride);
}

std::string check_task(const flame_task& task) {
  if (task.struct_size < FLAME_TASK_SIZE_V1_0 || task.struct_size > kStructMax) return "a task has an impossible size";
  if (!is_name(task.name)) return "a task has no usable name";
  const std::string name = task.name;
  if (task.invoke == nullptr) return "task \"" + name + "\" has no function";
  if ((task.flags & (FLAME_TASK_METHOD | FLAME_TASK_CHILD)) == 0) return {};
  if (task.object == nullptr || !is_name(task.object->name) || task.object->destroy == nullptr) {
    return "\"" + name + "\" has no object type";
  }
  return {};
}

}  // namespace

std::string check_table(const flame_plugin* plugin, const Expected& expected) {
  if (plugin == nullptr) return "it does not work with ABI minor " + std::to_string(FLAME_ABI_MINOR);
  if (std::string wrong = check_sizes(*plugin); !wrong.empty()) return wrong;
  if (!is_name(plugin->name) || !is_name(plugin->version)) return "it has no usable name or version";
  if (plugin->name != expected.name || plugin->version != expected.version) {
    return std::string("its note says ") + expected.name + "@" + expected.version + ", its table " + plugin->name +
           "@" + plugin->version;
  }
  std::uint64_t hash = 0;
  std::unordered_set<std::uint64_t> seen;
  for (std::uint32_t i = 0; i < plugin->task_count; ++i) {
    const flame_task& task = task_at(*plugin, i);
    if (std::string wrong = check_task(task); !wrong.empty()) return wrong;
    const std::uint64_t one = base::task_id(task.name, task.fingerprint);
    if (!seen.insert(one).second) return std::string("it has task \"") + task.name + "\" twice";
    hash += one;
  }
  if (expected.task_count == 0) return {};
  const bool same = expected.task_count == plugin->task_count && expected.tasks_hash == hash;
  return same ? "" : "its note and its table list different tasks";
}

}  // namespace flame::slot
