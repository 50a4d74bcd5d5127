// What the kernel enforces on a slot process, and what it counts.
#include "runner/slot/slot_limits.hpp"

#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "plugin_sdk/base/boot_time.hpp"
#include "runner/slot/proc_file.hpp"
#include "runner/slot/process_hygiene.hpp"

namespace flame::slot {
namespace {

constexpr std::string_view kOomPreference = "800";  // before the zygote (400) and the supervisor (0)
/// A peak that is this much above the fresh slot's is reset, so that the next call's can be seen.
constexpr std::uint64_t kPeakWorthReset = 4 * limits::MiB;
constexpr std::uint64_t kThreadStackStep = 64 * limits::KiB;  // whole pages on every architecture

/// Sets soft and hard, but never above the hard limit that is in force.
void lower_limit(__rlimit_resource resource, rlim_t value) {
  rlimit limit{};
  if (::getrlimit(resource, &limit) != 0) return;
  limit.rlim_max = std::min(limit.rlim_max, value);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(resource, &limit);
}

std::int64_t to_ns(const timeval& time) {
  return (std::int64_t{time.tv_sec} * 1'000'000 + time.tv_usec) * 1000;
}

}  // namespace

void allow_core_dumps() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_CORE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_CORE, &limit);
  ::prctl(PR_SET_DUMPABLE, 1);
}

void apply_process_limits(const SlotLimits& limits, std::uint32_t slots) {
  write_proc_file("/proc/self/oom_score_adj", kOomPreference);
  // 1, not 0: a core_pattern that is a pipe ignores 0.
  limits.core_dumps == 0 ? lower_limit(RLIMIT_CORE, 1) : allow_core_dumps();
  if (limits.open_files_max != 0) lower_limit(RLIMIT_NOFILE, limits.open_files_max);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // their shadow memory counts as data
  // What is there now includes the zygote's copy-on-write memory.
  if (limits.memory_max != 0) lower_limit(RLIMIT_DATA, StatusReader().read().data_bytes + limits.memory_max * slots);
#else
  static_cast<void>(slots);
#endif
}

void fit_thread_stacks(const SlotLimits& limits) {
  pthread_attr_t attributes;
  if (limits.memory_max == 0 || ::pthread_getattr_default_np(&attributes) != 0) return;
  std::size_t present = 0;
  ::pthread_attr_getstacksize(&attributes, &present);
  const std::uint64_t fitting =
      std::max<std::uint64_t>(limits.memory_max / limits::kStacksPerMemory, limits::kThreadStackMin);
  if (fitting < present) {
    ::pthread_attr_setstacksize(&attributes, fitting & ~(kThreadStackStep - 1));
    ::pthread_setattr_default_np(&attributes);
  }
  ::pthread_attr_destroy(&attributes);
}

std::string_view thread_remedy(const SlotLimits& limits, std::string_view message) {
  const bool refused = message.find(::strerror(EAGAIN)) != std::string_view::npos;
  if (limits.memory_max == 0 || !refused) return {};
  return ". If a thread could not be started: its stack counts against limits.memory. Raise that, or start fewer.";
}

rlim_t limit_cpu_time(std::int64_t budget_ns) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_CPU, &limit) != 0) return RLIM_INFINITY;
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const std::int64_t until_ns = to_ns(used.ru_utime) + to_ns(used.ru_stime) + budget_ns;
  constexpr std::int64_t kSecond = 1'000'000'000;
  const rlim_t soft = budget_ns == 0 ? RLIM_INFINITY : static_cast<rlim_t>((until_ns + kSecond - 1) / kSecond);
  limit.rlim_cur = std::min(soft, limit.rlim_max);
  ::setrlimit(RLIMIT_CPU, &limit);
  return limit.rlim_cur;
}

UsageMeter::UsageMeter(bool thread) : thread_(thread) {
  write_proc_file("/proc/self/clear_refs", "5");
  read();
  memory_at_start_ = peak_;
}

void UsageMeter::begin(ControlPage& page) {
  if (!thread_ && peak_ > memory_at_start_ + kPeakWorthReset) write_proc_file("/proc/self/clear_refs", "5");
  // Since the last end() the slot did next to nothing; asking the kernel again would cost a microsecond per call.
  begun_user_ns_ = user_ns_;
  begun_system_ns_ = system_ns_;
  wall_ns_ = base::boot_time().time_since_epoch().count();
  page.begun_ns.store(wall_ns_, std::memory_order_relaxed);
  page.memory_at_start.store(memory_at_start_, std::memory_order_relaxed);
  page.user_ns.store(user_ns_, std::memory_order_relaxed);
  page.system_ns.store(system_ns_, std::memory_order_relaxed);
}

UsageNumbers UsageMeter::end() {
  read();
  UsageNumbers usage{};
  usage.wall_ns = base::boot_time().time_since_epoch().count() - wall_ns_;
  usage.user_ns = user_ns_ - begun_user_ns_;
  usage.system_ns = system_ns_ - begun_system_ns_;
  if (!thread_) usage.peak_memory = peak_ - std::min(peak_, memory_at_start_);
  return usage;
}

void UsageMeter::read() {
  rusage used{};
  ::getrusage(thread_ ? RUSAGE_THREAD : RUSAGE_SELF, &used);
  user_ns_ = to_ns(used.ru_utime);
  system_ns_ = to_ns(used.ru_stime);
  peak_ = static_cast<std::uint64_t>(used.ru_maxrss) * limits::KiB;
}

}  // namespace flame::slot
