// Timers of a slot: those that a call set do not reach the next, those of start_slot() (a profiler's) live on.
#pragma once

#include <sys/time.h>

#include <array>
#include <string>

#include "runner/slot/proc_file.hpp"

namespace flame::slot {

class TimerWatch {
 public:
  TimerWatch();
  /// Ends the interval timers that calls have set.
  void restore_interval_timers() const;
  /// There are POSIX timers that start_slot() did not make, or fewer. They cannot be told apart to be deleted.
  [[nodiscard]] bool changed();

 private:
  [[nodiscard]] bool made_any();

  std::array<itimerval, 3> intervals_{};
  ProcFile timers_;
  std::string home_;
  int next_timer_ = -1;  // where the kernel has no list of timers
};

}  // namespace flame::slot
