// Small things about processes that guardian and supervisor share: children, their end, signals as descriptors.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <initializer_list>
#include <vector>

namespace flame::runner {

/// The direct children of this process, also those adopted as a subreaper; zombies included. Empty if /proc is not
/// mounted.
[[nodiscard]] std::vector<pid_t> children();

/// Kills and reaps every descendant until none is left. Blocks for as long as the kernel needs to end them.
void end_all_descendants();

/// No signal is ignored and none blocked afterwards: whoever started this program may have left it others. Call first
/// in a single-threaded process.
void reset_signals();

/// Raises the soft limit of open files to the hard one, which is the administrator's word. The soft limit that was in
/// force: what plugins are to have, because programs that use select() or close every possible descriptor rely on it.
/// 0 if it cannot be read.
[[nodiscard]] std::uint64_t raise_descriptor_limit();

/// Blocks the signals and gives a non-blocking, CLOEXEC signalfd for them; -1 on failure.
[[nodiscard]] int open_signal_fd(std::initializer_list<int> signals);

}  // namespace flame::runner
