// See hook.hpp.
#include "runner/slot/hook.hpp"

#include <array>
#include <string>

#include "plugin_sdk/base/make_error.hpp"

namespace flame::slot {

std::optional<Error> run_hook(flame_status (*hook)(const flame_parent_info*, char*, std::size_t),
                              const flame_parent_info& parent, std::string_view name) {
  if (hook == nullptr) return std::nullopt;
  std::array<char, 4096> message{};
  const flame_status status = hook(&parent, message.data(), message.size());
  message.back() = '\0';
  if (status == FLAME_OK) return std::nullopt;
  return base::make_error(status == FLAME_OUT_OF_MEMORY ? ErrorCode::out_of_memory : ErrorCode::task_failed,
                          "The plugin's " + std::string(name) + " failed: " + message.data() +
                              ". Fix the plugin, or what it needs on the runner's machine.");
}

}  // namespace flame::slot
