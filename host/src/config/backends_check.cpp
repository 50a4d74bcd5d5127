// The tables of [backends], one by one, and who names them.
#include "host/src/config/backends_check.hpp"

#include <algorithm>
#include <cstddef>
#include <set>
#include <string_view>

#include "plugin_sdk/base/limits.hpp"

namespace flame::pool {
namespace {

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_table_name(std::string_view name) {
  return !name.empty() && name.size() <= limits::kBackendNameMax && is_letter_or_digit(name.front()) &&
         std::ranges::all_of(name, [](char c) { return is_letter_or_digit(c) || c == '-' || c == '_'; });
}

std::string too_long(std::size_t most) {
  return "must have at most " + std::to_string(most) + " characters";
}

void check_table(const std::string& name, const BackendConfig& backend, std::vector<Problem>& problems) {
  const std::string path = "backends." + name;
  if (!is_table_name(name))
    problems.push_back({path, "is no name of a backend: 1 to " + std::to_string(limits::kBackendNameMax) +
                                  " letters, digits, \"-\" and \"_\", the first one a letter or a digit"});
  if (backend.max && *backend.max == 0)
    problems.push_back({path + ".max", "must be at least 1; to boot nothing there, take it out of the pools' backend"});
  if (backend.advertise.size() > limits::kNameMax)
    problems.push_back({path + ".advertise", too_long(limits::kNameMax)});
}

}  // namespace

void check_backend_names(const std::string& path, const std::vector<std::string>& names,
                         std::vector<Problem>& problems) {
  if (names.size() > limits::kPoolBackendsMax)
    problems.push_back({path, "names " + std::to_string(names.size()) + " backends, of at most " +
                                  std::to_string(limits::kPoolBackendsMax)});
  std::set<std::string_view> known;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string at = names.size() == 1 ? path : path + "[" + std::to_string(i) + "]";
    const std::string& name = names[i];
    if (name.empty()) problems.push_back({at, "must not be empty; \"local\" runs on this machine"});
    if (name.size() > limits::kNameMax) problems.push_back({at, too_long(limits::kNameMax)});
    if (!known.insert(name).second)
      problems.push_back({at, "names the backend \"" + name + "\" again; name each once, in the order of preference"});
  }
}

void check_backends(const HostConfig& config, std::vector<Problem>& problems) {
  if (config.backend.empty()) problems.push_back({"host.backend", "must name a backend; the default is \"local\""});
  check_backend_names("host.backend", config.backend, problems);
  if (config.backends.size() > limits::kBackendTablesMax)
    problems.push_back({"backends", "has " + std::to_string(config.backends.size()) + " tables, of at most " +
                                        std::to_string(limits::kBackendTablesMax)});
  for (const auto& [name, backend] : config.backends) check_table(name, backend, problems);
}

}  // namespace flame::pool
