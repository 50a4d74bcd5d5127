// Resource limits, scheduling and open files of a slot, compared with what they were after start_slot().
#pragma once

#include <linux/types.h>
#include <sched.h>
#include <sys/resource.h>

#include <cstdint>
#include <string>

#include "runner/slot/proc_file.hpp"

namespace flame::slot {

/// All resource limits, by one read.
class LimitsWatch {
 public:
  LimitsWatch();
  /// The runner's own limit on CPU time is now `soft` seconds.
  void expect_cpu_limit(rlim_t soft);
  [[nodiscard]] bool changed();

 private:
  ProcFile limits_;
  std::string home_;
};

/// Scheduling class, priority and nice of the calling thread.
struct Scheduling {
  std::uint32_t policy = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t flags = 0;
  friend bool operator==(const Scheduling&, const Scheduling&) = default;
};
/// All zero where the kernel does not tell.
[[nodiscard]] Scheduling present_scheduling();

/// Timer slack and I/O priority of the calling thread, as they were when this was made.
class ThreadLatency {
 public:
  ThreadLatency();
  /// Puts back what is not as it was. False: it may not. [two system calls if all is as it was]
  [[nodiscard]] bool restore() const;

 private:
  long timer_slack_ns_;  // -1: the kernel does not tell
  long io_priority_;
};

/// What Linux schedules the calling thread by, as it was when this was made.
class ThreadScheduling {
 public:
  ThreadScheduling();
  /// Puts back what is not as it was. False: it may not. [two system calls if all is as it was]
  [[nodiscard]] bool restore() const;

 private:
  [[nodiscard]] bool restore_cpus() const;
  [[nodiscard]] bool restore_scheduling() const;

  Scheduling scheduling_ = present_scheduling();
  cpu_set_t cpus_{};
  bool knows_cpus_;
};

/// Descriptors in use, counted one by one. Counting takes one itself: without a free one, the soft limit.
[[nodiscard]] long listed_descriptors();

/// Descriptors in use. Also right where the kernel has no count of them (before Linux 6.2).
class OpenFiles {
 public:
  OpenFiles();
  /// More than half of the soft limit is in use that was not at the start. `table`: ProcessStatus::fd_table, which
  /// mostly tells by itself that this cannot be.
  [[nodiscard]] bool short_of(std::uint64_t table) const;
  /// Open now beyond those at the start.
  [[nodiscard]] long more_than_at_start() const;

 private:
  long at_start_ = 0;
  std::uint64_t half_ = 0;
};

}  // namespace flame::slot
