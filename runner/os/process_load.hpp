// What the kernel says of a process's work: the CPU time that it has used, and whether it wants more.
#pragma once

#include <sys/types.h>

#include "runner/policy/thread_watch.hpp"

namespace flame::runner {

/// CPU time of all threads of a process; zero if there is no such process.
[[nodiscard]] Duration cpu_time_of(pid_t pid);
/// Reads the states of the process's threads, at most limits::kSlotThreadsMax of them.
[[nodiscard]] ThreadWatch::Load load_of(pid_t pid);

}  // namespace flame::runner
