// What a call changed in its process, where that process is the slot's own.
#pragma once

#include <locale.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <cstdint>
#include <exception>
#include <locale>
#include <new>
#include <string>

#include "runner/protocol/protocol.hpp"
#include "runner/slot/child_watch.hpp"
#include "runner/slot/environment.hpp"
#include "runner/slot/finding.hpp"
#include "runner/slot/kept_threads.hpp"
#include "runner/slot/memory_watch.hpp"
#include "runner/slot/proc_file.hpp"
#include "runner/slot/process_status.hpp"
#include "runner/slot/resource_watch.hpp"
#include "runner/slot/streams.hpp"
#include "runner/slot/timer_watch.hpp"

namespace flame::slot {

/// Threads of this process.
[[nodiscard]] std::uint32_t thread_count();

/// A read of /proc/self/status that is kept open.
class StatusReader {
 public:
  StatusReader();
  [[nodiscard]] ProcessStatus read();

 private:
  ProcFile file_;
};

/// Short of memory or descriptors by what calls have left.
class ShortageWatch {
 public:
  /// `limit`: bytes of the process, 0 = none.
  ShortageWatch(std::uint64_t limit, StatusReader& reader);
  /// `in_hand`: bytes of the call that has just ended which the slot itself still holds.
  [[nodiscard]] Finding judge(const ProcessStatus& now, std::uint64_t in_hand);
  [[nodiscard]] std::uint64_t memory_kept() const { return memory_kept_; }
  [[nodiscard]] long more_descriptors() const { return files_.more_than_at_start(); }

 private:
  StatusReader& reader_;
  MemoryWatch memory_;
  OpenFiles files_;
  std::uint64_t memory_kept_ = 0;
};

class ProcessHygiene {
 public:
  explicit ProcessHygiene(const SlotLimits& limits);
  ProcessHygiene(const ProcessHygiene&) = delete;
  ProcessHygiene& operator=(const ProcessHygiene&) = delete;

  /// Restores the streams and writes them out.
  void tidy_streams() const;
  /// The first half: threads are looked at before anything that could wait for one of them. Interval timers end here,
  /// so that no alarm comes when signals are unblocked.
  [[nodiscard]] Finding look_at_threads(std::uint64_t task);
  /// Instead of both, after a call that made no system call: what is in the process's own memory. Restores handlers.
  [[nodiscard]] Finding clean_untouched(std::uint64_t task);
  /// The rest. `in_hand`: see ShortageWatch.
  [[nodiscard]] Finding clean(std::uint64_t in_hand);
  /// As it was found last.
  [[nodiscard]] const ProcessStatus& present() const { return now_; }
  [[nodiscard]] std::uint32_t kept_threads() const { return kept_threads_; }
  [[nodiscard]] const ShortageWatch& shortage() const { return shortage_; }
  void expect_cpu_limit(rlim_t soft) { limits_.expect_cpu_limit(soft); }

 private:
  [[nodiscard]] Finding restore_mask() const;
  [[nodiscard]] Finding compare_memory();
  [[nodiscard]] Finding compare_resources(std::uint64_t in_hand);
  [[nodiscard]] bool return_home() const;
  [[nodiscard]] bool root_changed() const;
  void wait_for_joined_threads();

  bool keeps_threads_;
  StatusReader reader_;
  ProcessStatus home_;
  ProcessStatus now_;
  KeptThreads threads_;
  std::uint32_t kept_threads_ = 0;
  struct Streams {
    StreamFormats formats;
    StreamBuffers buffers;
  } streams_;
  TimerWatch timers_;
  ChildWatch children_;
  EnvironmentWatch environment_;
  struct Library {  // what the C and C++ libraries keep for the process
    std::string locale;
    std::locale cpp_locale;
    std::new_handler on_lack_of_memory = std::get_new_handler();
    std::terminate_handler on_terminate = std::get_terminate();
  } library_;
  struct Directory {
    static Directory of(const struct stat& info) { return {info.st_dev, info.st_ino}; }
    dev_t device = 0;
    ino_t inode = 0;
    friend bool operator==(const Directory&, const Directory&) = default;
  };
  struct Place {
    std::string path;
    Directory directory;
    Directory root;  // known only where a task may change it
  } place_;
  LimitsWatch limits_;
  struct Pace {
    Scheduling scheduling = present_scheduling();
    ThreadLatency latency;
  } pace_;
  ShortageWatch shortage_;  // last: counts the descriptors of those above
};

}  // namespace flame::slot
