// Small things about processes that guardian and supervisor share: children, their end, signals as descriptors.
#pragma once

#include <sys/types.h>

#include <initializer_list>
#include <vector>

namespace flame::runner {

/// The direct children of this process, also those adopted as a subreaper; zombies included. Empty if /proc is not
/// mounted.
[[nodiscard]] std::vector<pid_t> children();

/// Kills and reaps every descendant until none is left. Blocks for as long as the kernel needs to end them.
void end_all_descendants();

/// Blocks the signals and gives a non-blocking, CLOEXEC signalfd for them; -1 on failure.
[[nodiscard]] int open_signal_fd(std::initializer_list<int> signals);

}  // namespace flame::runner
