// Which of the calls in a process that died has ended it, by what is known of each. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "runner/slots/post_mortem.hpp"

namespace flame::runner {

/// What is known of a slot when its process has died.
struct Witness {
  bool runs = false;    // a call, or objects that live there
  bool begun = false;   // the call's task; objects have begun
  bool exited = false;  // exit() was called on the slot's own thread
  std::optional<slot::CrashReport> crash;
};

/// What its call is told.
struct Blame {
  std::optional<slot::CrashReport> crash;  // it may have crashed the process, so
  int crash_of_another = 0;                // another one has crashed it, by this signal
  bool exit_of_another = false;            // another one has called exit()
  std::uint32_t suspects = 0;              // it or one of others, of so many in all; 0: it alone, or not it
};

/// One for each of `slots`. `threads`: all of them are threads of one process. A thread that a task made reports its
/// crash in the first slot, and its exit() or anybody's _exit() nowhere: then all that had begun are suspects.
[[nodiscard]] std::vector<Blame> judge(const std::vector<Witness>& slots, int wait_status, bool threads);

}  // namespace flame::runner
