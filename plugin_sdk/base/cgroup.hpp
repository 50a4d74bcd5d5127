// Cgroups (version 2) that hold the processes of one runner, so that all of them can be killed at once, whatever they
// did to their parents, sessions and signals.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <string_view>

namespace flame::base {

/// The cgroup for the runner whose first process is `pid`: a directory below the cgroup that the calling process is in.
/// Empty when that is not known: no cgroups of version 2 are mounted here. [any thread]
[[nodiscard]] std::string runner_cgroup(pid_t pid);

/// The same from the texts of /proc/self/cgroup and /proc/self/mountinfo.
[[nodiscard]] std::string runner_cgroup(std::string_view cgroup, std::string_view mountinfo, pid_t pid);

/// Makes it. False when this process may not, or when the kernel (before 5.14) cannot kill through it; then nothing is
/// left of it. [any thread]
[[nodiscard]] bool make_cgroup(const std::string& path);

/// Removes the empty ones beside `own` whose runner's first process is gone: it ended without removing its own. For
/// when nobody waits. [any thread]
void remove_abandoned_cgroups(const std::string& own);

/// fork() with the child in it, or in this process's own cgroup where the kernel refuses. In a process of one thread no
/// atfork handler runs. -1 with errno: no child.
[[nodiscard]] pid_t fork_into_cgroup(const std::string& path);

/// For a process in the cgroup of the runner whose first process `pid` was killed, when nothing else is to live there:
/// moves out and ends it. Does nothing for one that is not there.
void abandon_cgroup(pid_t pid);

/// Kills all that is in it and removes it; waits at most `patience` for its processes to be gone. True: it is gone, or
/// never was. [any thread]
bool end_cgroup(const std::string& path, std::chrono::milliseconds patience = std::chrono::seconds(1));

}  // namespace flame::base
