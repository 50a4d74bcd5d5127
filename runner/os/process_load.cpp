// See process_load.hpp.
#include "runner/os/process_load.hpp"

#include <fmt/format.h>
#include <time.h>

#include <filesystem>
#include <string>
#include <system_error>

#include "plugin_sdk/base/file.hpp"
#include "plugin_sdk/base/limits.hpp"

namespace flame::runner {
namespace {

constexpr std::size_t kStatMax = 1024;

// "pid (name) S ...": the name may hold anything.
bool is_runnable(const std::string& stat) {
  const auto name_ends = stat.rfind(')');
  return name_ends != std::string::npos && stat.compare(name_ends, 3, ") R") == 0;
}

}  // namespace

Duration cpu_time_of(pid_t pid) {
  clockid_t clock{};
  timespec used{};
  if (::clock_getcpuclockid(pid, &clock) != 0 || ::clock_gettime(clock, &used) != 0) return {};
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

ThreadWatch::Load load_of(pid_t pid) {
  ThreadWatch::Load load{.cpu = cpu_time_of(pid)};
  std::error_code error;
  std::filesystem::directory_iterator thread(fmt::format("/proc/{}/task", pid), error);
  std::uint32_t seen = 0;
  for (; !error && thread != std::filesystem::directory_iterator() && seen < limits::kSlotThreadsMax; ++seen) {
    const auto stat = base::read_file(thread->path().string() + "/stat", kStatMax);
    load.runnable = stat.has_value() && is_runnable(*stat);
    if (load.runnable) break;
    thread.increment(error);
  }
  return load;
}

}  // namespace flame::runner
