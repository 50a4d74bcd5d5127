// What SlotPool needs of the machine: processes with slots in them. Simulated worlds have a machine of their own.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "runner/policy/slot_table.hpp"
#include "runner/policy/thread_watch.hpp"
#include "runner/slots/make_failure.hpp"
#include "runner/slots/post_mortem.hpp"
#include "runner/slots/slot.hpp"

namespace flame::runner {

/// A process that is being made.
struct MadeSlots {
  std::vector<std::unique_ptr<slot::Slot>> slots;
  pid_t pid = 0;  // 0: not known yet. SlotPool::spawned() or spawn_failed() follows, or the slots say hello
};

/// Threads: the supervisor's loop thread only. Nothing here blocks for long: demangling may take some milliseconds.
class SlotSystem {
 public:
  /// A process of this generation. From now on SlotPool hears of its channels and output.
  [[nodiscard]] virtual slot::MakeResult<MadeSlots> make(Instant now, const ForkProcess& wanted) = 0;
  /// SIGKILL. SlotPool::reaped() follows.
  virtual void kill(pid_t pid) = 0;
  /// What keeps it from making slots now, in words without a full stop; empty if nothing is known.
  [[nodiscard]] virtual std::string why_no_slot(Instant now, GenerationId generation) const = 0;

  // --- what is known of a plugin and of a process
  [[nodiscard]] virtual std::string plugin_name(GenerationId generation) const = 0;
  /// The plugin has a stop_slot(), which its slots are to run before they go.
  [[nodiscard]] virtual bool stops_slots(GenerationId generation) const = 0;
  /// A call stack for people, one line a frame, innermost first.
  [[nodiscard]] virtual std::vector<std::string> name_frames(GenerationId generation,
                                                             std::vector<slot::CodeAddress> stack) = 0;
  /// CPU time of all threads of a process; zero if there is no such process.
  [[nodiscard]] virtual Duration cpu_time(pid_t pid) const = 0;
  /// The same, and whether any of its threads wants a processor: reads their states, which is not free.
  [[nodiscard]] virtual ThreadWatch::Load load(pid_t pid) const = 0;
  /// Processes that the kernel's OOM killer has ended since boot; 0 if it cannot be read.
  [[nodiscard]] virtual std::uint64_t oom_kills() const = 0;

 protected:
  ~SlotSystem() = default;
};

}  // namespace flame::runner
