// Builds the environment of a runner.
#include "backends/local/environment.hpp"

#include <cstdlib>

namespace flame::backends {
namespace {

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const auto& part : parts) text += (text.empty() ? "" : ":") + part;
  return text;
}

}  // namespace

std::vector<std::string> runner_environment(const std::map<std::string, std::string>& inherited,
                                            const std::map<std::string, std::string>& configured,
                                            const std::map<std::string, std::string>& requested,
                                            const std::vector<std::string>& plugin_dirs, int parent_fd) {
  std::map<std::string, std::string> all = inherited;
  for (const auto& [name, value] : configured) all[name] = value;
  for (const auto& [name, value] : requested) all[name] = value;
  all["FLAME_PARENT_FD"] = std::to_string(parent_fd);
  if (!plugin_dirs.empty()) all["FLAME_PLUGIN_PATH"] = joined(plugin_dirs);
  std::vector<std::string> strings;
  strings.reserve(all.size());
  for (const auto& [name, value] : all) strings.push_back(name + "=" + value);
  return strings;
}

std::map<std::string, std::string> inherited_environment() {
  std::map<std::string, std::string> found;
  for (const char* name : kInherited) {
    if (const char* value = std::getenv(name)) found[name] = value;
  }
  return found;
}

}  // namespace flame::backends
