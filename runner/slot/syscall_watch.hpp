// Whether a task made a system call: one that made none cannot have changed anything that the kernel keeps.
#pragma once

#include <cstdint>
#include <unordered_map>

#include "runner/slot/process_status.hpp"

namespace flame::slot {

/// Which calls are worth watching. The first system call of a watched call costs about 5 microseconds (a signal), which
/// a task that always makes some is to pay now and then only. Pure.
class WatchPace {
 public:
  static constexpr std::uint32_t kSkipMax = 256;

  /// Before a call of `task` (any key; there are as many as tasks).
  [[nodiscard]] bool due(std::uint64_t task);
  /// The watched call of `task` has ended.
  void ended(std::uint64_t task, bool made_system_calls);

 private:
  struct Row {
    std::uint32_t skip = 0;  // calls that are not watched from now on
    std::uint32_t last = 0;
  };
  std::unordered_map<std::uint64_t, Row> rows_;
};

/// By Syscall User Dispatch (Linux 5.11, x86-64): while a task is watched, its first system call raises SIGSYS, whose
/// handler notes that and lets it and all later ones pass. Where that cannot be had or would do harm nothing is
/// watched, and every call counts as one that made system calls. One per process, used by the slot's thread, whose
/// signal stack must be the same at each task_begins() as it was at the construction, or touched() was said since.
class SyscallWatch {
 public:
  /// Takes SIGSYS, unless somebody has it or the thread's signal stack is too small for its handler.
  SyscallWatch();
  SyscallWatch(const SyscallWatch&) = delete;
  SyscallWatch& operator=(const SyscallWatch&) = delete;
  ~SyscallWatch();

  void task_begins(std::uint64_t task);
  void task_ended() noexcept;
  /// Code of the plugin has run or may run that was not watched.
  void touched() noexcept { untouched_ = false; }
  /// No system call was made since looked().
  [[nodiscard]] bool untouched() const noexcept { return untouched_; }
  /// All that the kernel keeps was found to be in order. Where the same signals are caught as the last time, their
  /// handlers must be the same, too.
  void looked(const ProcessStatus& now);

 private:
  [[nodiscard]] bool harmless(const ProcessStatus& now);

  WatchPace pace_;
  bool available_ = false;  // this kernel and architecture have it
  bool untouched_ = false;  // since looked(), which found that watching does no harm
  bool watching_ = false;
  std::uint64_t task_ = 0;
  std::uint64_t caught_ = 0;  // signals whose handlers were looked at last
  bool handlers_harmless_ = true;
};

}  // namespace flame::slot
