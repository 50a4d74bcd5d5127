// Reads /proc.
#include "host/src/setup/host_identity.hpp"

#include <unistd.h>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <sstream>
#include <string_view>
#include <system_error>

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

// Ticks since the boot: the 22nd field. The second one, in brackets, may hold anything.
std::optional<std::uint64_t> start_time() {
  const std::string stat = contents("/proc/self/stat");
  const std::size_t bracket = stat.rfind(')');
  if (bracket == std::string::npos) return std::nullopt;
  std::istringstream rest(stat.substr(bracket + 1));
  std::string field;
  for (int number = 3; number <= 22; ++number) rest >> field;
  std::uint64_t ticks = 0;
  const auto read = std::from_chars(field.data(), field.data() + field.size(), ticks);
  return rest && read.ec == std::errc() ? std::optional(ticks) : std::nullopt;
}

}  // namespace

HostIdentity host_identity(const std::string& host_name) {
  const std::string boot = contents("/proc/sys/kernel/random/boot_id");
  const std::string space = pid_namespace();
  const auto started = start_time();
  const bool known = !boot.empty() && !space.empty() && started;
  return {.run = run_id(base::random_number()),
          .host = label_value(host_name),
          .origin = known ? origin_label(boot, space) : run_id(base::random_number()),
          .process = process_label(::getpid(), started.value_or(0))};
}

}  // namespace flame::pool
