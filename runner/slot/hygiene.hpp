// Leaves a slot after a call as it was before: restores what can be restored, tells when the slot must be discarded.
#pragma once

#include <locale.h>
#include <signal.h>
#include <sys/types.h>

#include <cstdint>
#include <optional>

#include "runner/protocol/protocol.hpp"
#include "runner/slot/finding.hpp"
#include "runner/slot/floating_point.hpp"
#include "runner/slot/process_hygiene.hpp"
#include "runner/slot/resource_watch.hpp"
#include "runner/slot/running_calls.hpp"
#include "runner/slot/signal_action.hpp"
#include "runner/slot/streams.hpp"
#include "runner/slot/syscall_watch.hpp"

namespace flame::slot {

/// A process whose slots are its threads.
struct SharedProcess {
  std::uint32_t slots;
  const RunningCalls& running;
};

/// What a slot looks like between calls. One per slot; used by its thread. After a call that made no system call only
/// what a task can change without one is looked at; otherwise it costs about 15 microseconds.
class Hygiene {
 public:
  /// Takes the present state as the clean one: call after start_slot(). In a shared process (else `process` is null)
  /// only what belongs to the calling thread is looked after, and, while no other slot's call runs, whether the process
  /// is short of memory or descriptors.
  Hygiene(int channel, const SlotLimits& limits, const SharedProcess* process);

  /// Around a call of `task` (any key).
  void task_begins(std::uint64_t task);
  void task_ended() noexcept;
  /// Other code of the plugin has run, or runs from now on.
  void touched() noexcept;

  /// Restores what belongs to the thread and costs next to nothing, and writes the standard streams out. Also where the
  /// slot is not judged because objects live in it: their directory, umask, signal mask, environment, handlers and
  /// descriptors stay as they have set them, from one of their methods to the next. Nobody else's calls come there, and
  /// what they have changed is restored or judged once the last object is gone.
  void tidy();
  /// All of it, after a call of `task` (any key) of which `in_hand` bytes of memory are still held for its answer. A
  /// finding: the slot must not serve again.
  [[nodiscard]] Finding clean(std::uint64_t task, std::uint64_t in_hand);
  /// The channel is still the one that the supervisor made.
  [[nodiscard]] bool channel_intact() const;
  /// The supervisor has read all that the tasks of this slot wrote. False also when that cannot be told.
  [[nodiscard]] bool output_read() const { return files_.output_read(); }
  /// Threads that calls have left and the slot keeps.
  [[nodiscard]] std::uint32_t kept_threads() const { return process_ ? process_->kept_threads() : 0; }
  /// How many descriptors more than at the start are open when that is worth a warning, else 0. [costs 3 us]
  [[nodiscard]] long leaked_fds() const;
  /// Bytes in use that were not at the start, when clean() last looked.
  [[nodiscard]] std::uint64_t memory_kept() const;
  /// The runner itself has changed the soft limit on CPU time.
  void expect_cpu_limit(rlim_t soft);

 private:
  struct Shared {
    Shared(const SharedProcess& process, std::uint64_t limit) : running(process.running), shortage(limit, reader) {}
    const RunningCalls& running;
    StatusReader reader;
    ShortageWatch shortage;
    ThreadScheduling scheduling;
    std::uint32_t calls = 0;    // since the last look at memory and descriptors
    std::uint32_t crowded = 0;  // looks since the last judgement, all of them beside others' calls
    ProcessStatus least;        // of those
  };

  [[nodiscard]] bool untouched() const { return watch_ && watch_->untouched(); }
  void restore_cancellation() const;
  [[nodiscard]] Finding clean_process(std::uint64_t in_hand);
  [[nodiscard]] Finding clean_thread(std::uint64_t in_hand);
  [[nodiscard]] Finding look_for_shortage(std::uint64_t in_hand);
  [[nodiscard]] bool restore_mask() const;

  int channel_;
  ino_t channel_inode_ = 0;
  StandardFiles files_;
  sigset_t mask_{};
  FloatingPoint floating_point_;
  locale_t locale_{};
  stack_t signal_stack_{};
  struct Cancellation {
    int state = 0;
    int type = 0;
  } cancellation_;
  std::optional<Shared> shared_;
  std::optional<SyscallWatch> watch_;      // unless shared; its signal is one of those that are compared
  std::optional<ProcessHygiene> process_;  // unless shared
  std::optional<HandlerWatch> handlers_;   // unless shared
};

}  // namespace flame::slot
