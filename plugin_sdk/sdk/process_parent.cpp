// One pointer per plugin: the runner's flame_parent_info lives as long as the plugin is loaded.
#include "plugin_sdk/sdk/process_parent.hpp"

#include <atomic>

namespace flame::detail {
namespace {

constinit std::atomic<const flame_parent_info*> current_parent = nullptr;

std::string text_of(const char* text) {
  return text == nullptr ? std::string() : std::string(text);
}

}  // namespace

Parent to_parent(const flame_parent_info& info) {
  return {text_of(info.host_name), text_of(info.pool), text_of(info.runner_id), text_of(info.backend)};
}

void set_process_parent(const flame_parent_info* info) noexcept {
  if (info != nullptr) current_parent.store(info, std::memory_order_release);
}

std::optional<Parent> process_parent() {
  const flame_parent_info* info = current_parent.load(std::memory_order_acquire);
  return info == nullptr ? std::nullopt : std::optional(to_parent(*info));
}

}  // namespace flame::detail
