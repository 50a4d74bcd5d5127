// Reads /proc.
#include "host/src/setup/host_identity.hpp"

#include <unistd.h>

#include <cstddef>
#include <filesystem>
#include <system_error>

#include "host/src/setup/host_process.hpp"
#include "plugin_sdk/base/file.hpp"
#include "plugin_sdk/base/random_number.hpp"

namespace flame::pool {
namespace {

constexpr std::size_t kProcFileMax = 4096;

std::string contents(const std::string& path) {
  auto text = base::read_file(path, kProcFileMax);
  return text ? std::move(*text) : std::string();
}

std::string pid_namespace() {
  std::error_code missing;
  const auto target = std::filesystem::read_symlink("/proc/self/ns/pid", missing);
  return missing ? std::string() : target.string();
}

}  // namespace

std::string host_name(const HostConfig& config) {
  if (!config.name.empty() && config.name != "auto") return config.name;
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 && name[0] != '\0' ? name : "host";
}

std::string name_warning(const HostConfig& config, const std::vector<std::string>& lists) {
  if (lists.empty() || (!config.name.empty() && config.name != "auto")) return {};
  std::string names;
  for (const std::string& name : lists) names += (names.empty() ? "\"" : ", \"") + name + "\"";
  return "machines that this host may leave behind are looked for by its name, which is that of this computer, \"" +
         host_name(config) + "\": where it changes, as in containers, nobody finds them. Give it one: [host] name; " +
         "this is about backend " + names;
}

HostIdentity host_identity(const std::string& host_name) {
  const std::string boot = contents("/proc/sys/kernel/random/boot_id");
  const std::string space = pid_namespace();
  const auto started = process_start_time("self");
  const bool known = !boot.empty() && !space.empty() && started;
  return {.run = run_id(base::random_number()),
          .host = label_value(host_name),
          .origin = known ? origin_label(boot, space) : run_id(base::random_number()),
          .process = process_label(::getpid(), started.value_or(0))};
}

}  // namespace flame::pool
