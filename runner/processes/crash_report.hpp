// Turns the death of a slot into the Error that the caller gets. Pure but for oom_kills().
#pragma once

#include <sys/resource.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <flame/error.hpp>

#include "runner/policy/clock.hpp"
#include "runner/policy/terminator.hpp"
#include "runner/slots/post_mortem.hpp"

namespace flame::runner {

/// All that is known about the end of a slot's process, seen from one invocation in it.
struct Death {
  int wait_status = 0;
  StopCause cause = StopCause::none;  // we killed it for this
  bool before_ready = false;          // no call was ever in it
  bool in_start_slot = false;         // with before_ready: the plugin's start_slot() was running
  bool collateral = false;            // by another invocation's fault (thread isolation): we killed it for that, or
  int crash_of_another = 0;           // … that one crashed the process with this signal, or
  bool exit_of_another = false;       // … called exit()
  std::uint32_t suspects = 0;         // it was one of so many invocations, and nobody knows which; 0: it was this one
  std::string waited_for;             // never in a slot: what kept slots from being made, if anything is known
  std::string channel_lost;           // we killed it because its channel ended while it lived: why
  bool allocation_failed = false;     // the flag in the control page
  std::uint64_t memory_kept = 0;      // bytes that earlier calls of the slot had left in use
  bool oom_killed = false;            // the kernel's OOM killer explains it; see OomWatch
  std::optional<slot::CrashReport> crash;
  std::vector<std::string> where;  // the crash's frames, named
  Started started = Started::unknown;
  std::string log_tail;
  Usage usage;
};

/// Codes: cancelled, timed_out, shutting_down (we killed it for that), out_of_memory, else crashed.
[[nodiscard]] Error describe_death(const Death& death);

/// What to do when memory ran out. `kept`: bytes that earlier calls of the slot had left in use; `otherwise`: "send
/// less".
[[nodiscard]] std::string memory_remedy(std::uint64_t kept, std::string_view otherwise);

/// timed_out: what is called `name` ("start()", "start_slot()", "static constructors") has not returned within `limit`,
/// so its process was killed before any call could begin.
[[nodiscard]] Error describe_overdue(std::string_view name, Duration limit, std::string log_tail);

/// What an invocation has used whose process had used `end` when it died at `now`: the differences to `begin`, which is
/// slot::PostMortem::usage_at_begin. `threads`: the process's counters are not its own, so only the wall time is told.
[[nodiscard]] Usage usage_until_death(const Usage& begin, const rusage& end, Instant now, bool threads);

/// "segmentation fault (signal 11)".
[[nodiscard]] std::string signal_text(int signal);

/// Processes that the kernel's OOM killer has ended since boot, memory cgroups included; 0 if it cannot be read.
[[nodiscard]] std::uint64_t oom_kills();

}  // namespace flame::runner
