// Resource limits, scheduling and open files of a slot.
#include "runner/slot/resource_watch.hpp"

#include <dirent.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace flame::slot {
namespace {

constexpr std::size_t kLimitsTextMax = 4096;  // 17 lines of 80
constexpr std::string_view kCpuLine = "\nMax cpu time";
constexpr std::size_t kSoftColumn = 27;  // from the line's own newline on
constexpr std::size_t kSoftWidth = 20;

// The kernel's struct sched_attr, first version.
struct SchedAttr {
  std::uint32_t size = sizeof(SchedAttr);
  std::uint32_t policy = 0;
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime = 0;
  std::uint64_t deadline = 0;
  std::uint64_t period = 0;
};

constexpr int kThisThread = 1;  // IOPRIO_WHO_PROCESS with the id 0; the C library knows no ioprio_get()

// Not by ::prctl(), which would cut it to an int.
long timer_slack_ns() {
  return ::syscall(SYS_prctl, PR_GET_TIMERSLACK, 0, 0, 0, 0);
}

long io_priority() {
  return ::syscall(SYS_ioprio_get, kThisThread, 0);
}

std::uint64_t soft_limit_of_files() {
  rlimit limit{};
  return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
}

long open_descriptors() {
  struct stat info {};
  // A count since Linux 6.2, 0 before.
  if (::stat("/proc/self/fd", &info) == 0 && info.st_size > 0) return static_cast<long>(info.st_size);
  return listed_descriptors();
}

}  // namespace

long listed_descriptors() {
  DIR* directory = ::opendir("/proc/self/fd");
  if (directory == nullptr) return errno == EMFILE ? static_cast<long>(soft_limit_of_files()) : 0;
  long count = -3;  // ".", ".." and the directory's own
  while (::readdir(directory) != nullptr) ++count;
  ::closedir(directory);
  return count;
}

LimitsWatch::LimitsWatch() : limits_("/proc/self/limits", "Limit ") {
  std::array<char, kLimitsTextMax> buffer;
  home_ = limits_.read(buffer);
}

void LimitsWatch::expect_cpu_limit(rlim_t soft) {
  const std::size_t line = home_.find(kCpuLine);
  if (line == std::string::npos || line + kSoftColumn + kSoftWidth > home_.size()) return;
  std::string text = soft == RLIM_INFINITY ? "unlimited" : std::to_string(soft);
  text.resize(kSoftWidth, ' ');
  home_.replace(line + kSoftColumn, kSoftWidth, text);
}

bool LimitsWatch::changed() {
  std::array<char, kLimitsTextMax> buffer;  // not zeroed
  return limits_.read(buffer) != home_;
}

Scheduling present_scheduling() {
  SchedAttr attributes;
  if (::syscall(SYS_sched_getattr, 0, &attributes, sizeof(attributes), 0) != 0) return {};
  return {attributes.policy, attributes.nice, attributes.priority, attributes.flags};
}

// Fails where there are more processors than a cpu_set_t holds: then only the scheduling is looked at.
ThreadScheduling::ThreadScheduling() : knows_cpus_(::sched_getaffinity(0, sizeof(cpus_), &cpus_) == 0) {}

bool ThreadScheduling::restore() const {
  return restore_cpus() && restore_scheduling();
}

bool ThreadScheduling::restore_cpus() const {
  cpu_set_t cpus;
  if (!knows_cpus_ || ::sched_getaffinity(0, sizeof(cpus), &cpus) != 0 || CPU_EQUAL(&cpus, &cpus_)) return true;
  return ::sched_setaffinity(0, sizeof(cpus_), &cpus_) == 0;
}

bool ThreadScheduling::restore_scheduling() const {
  if (present_scheduling() == scheduling_) return true;
  SchedAttr home;
  home.policy = scheduling_.policy;
  home.flags = scheduling_.flags;
  home.nice = scheduling_.nice;
  home.priority = scheduling_.priority;
  return ::syscall(SYS_sched_setattr, 0, &home, 0) == 0;
}

ThreadLatency::ThreadLatency() : timer_slack_ns_(timer_slack_ns()), io_priority_(io_priority()) {}

// A slack of 0 is that of a real-time thread, which nobody can set: it goes with the scheduling class.
bool ThreadLatency::restore() const {
  if (timer_slack_ns_ > 0 && timer_slack_ns() != timer_slack_ns_ &&
      ::syscall(SYS_prctl, PR_SET_TIMERSLACK, timer_slack_ns_, 0, 0, 0) != 0) {
    return false;
  }
  if (io_priority_ < 0 || io_priority() == io_priority_) return true;
  return ::syscall(SYS_ioprio_set, kThisThread, 0, io_priority_) == 0;
}

OpenFiles::OpenFiles() : at_start_(open_descriptors()), half_(soft_limit_of_files() / 2) {}

bool OpenFiles::short_of(std::uint64_t table) const {
  if (table <= half_ + static_cast<std::uint64_t>(at_start_)) return false;
  return more_than_at_start() > static_cast<long>(std::min<std::uint64_t>(half_, INT32_MAX));
}

long OpenFiles::more_than_at_start() const {
  return open_descriptors() - at_start_;
}

}  // namespace flame::slot
