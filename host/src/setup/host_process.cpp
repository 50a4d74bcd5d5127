// Asks the kernel, then /proc.
#include "host/src/setup/host_process.hpp"

#include <signal.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstddef>
#include <filesystem>
#include <limits>
#include <sstream>
#include <system_error>

#include "plugin_sdk/base/file.hpp"

namespace flame::pool {
namespace {

constexpr std::size_t kStatMax = 4096;
constexpr int kStartTimeField = 22;  // proc(5)

// In a pid namespace that still has the /proc of the one around it, a number there is another process.
bool counts_as_we_do(const std::string& proc) {
  std::error_code missing;
  return std::filesystem::read_symlink(proc + "/self", missing) == std::to_string(::getpid());
}

}  // namespace

// The second field, in brackets, may hold anything.
std::optional<std::uint64_t> process_start_time(const std::string& process, const std::string& proc) {
  const auto stat = base::read_file(proc + "/" + process + "/stat", kStatMax);
  if (!stat) return std::nullopt;
  const std::size_t bracket = stat->rfind(')');
  if (bracket == std::string::npos) return std::nullopt;
  std::istringstream rest(stat->substr(bracket + 1));
  std::string field;
  for (int number = 3; number <= kStartTimeField; ++number) rest >> field;
  std::uint64_t ticks = 0;
  const auto read = std::from_chars(field.data(), field.data() + field.size(), ticks);
  return rest && read.ec == std::errc() ? std::optional(ticks) : std::nullopt;
}

bool is_gone(const HostProcess& process, const std::string& proc) {
  if (process.pid <= 0 || process.pid > std::numeric_limits<pid_t>::max()) return false;  // no pid, or a group's
  if (::kill(static_cast<pid_t>(process.pid), 0) != 0 && errno == ESRCH) return true;
  if (!counts_as_we_do(proc)) return false;
  const auto started = process_start_time(std::to_string(process.pid), proc);
  return started && *started != process.start_time;
}

}  // namespace flame::pool
