// One runner process: how it is started, signalled and reaped. Used by the backend's own thread only.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include <flame/backend.hpp>
#include <flame/result.hpp>

#include "plugin_sdk/base/unique_fd.hpp"

namespace flame::backends {

/// The descriptor at which a runner finds its FLAME_PARENT bytes.
inline constexpr int kParentFd = 3;

/// A running child. The descriptors are ours and close-on-exec.
struct RunnerProcess {
  pid_t pid = -1;
  base::UniqueFd pidfd;   ///< readable once the process has ended
  base::UniqueFd output;  ///< its stdout and stderr; non-blocking
};

/// Starts `binary` in a session of its own (the terminal's Ctrl-C is the host's to handle, and kill(0) there spares the
/// runner) with exactly `environment`, the sealed bytes `parent` at kParentFd, /dev/null as stdin, and no other
/// descriptor of this process. Error: boot_failed with the system's reason; permanent when the file is to
/// blame (not there, not allowed, no program).
[[nodiscard]] boost::system::result<RunnerProcess, BootFailure> start_runner(const std::string& binary,
                                                                             std::vector<std::string> environment,
                                                                             const std::string& parent);

/// Sends `signal` unless the process has ended; never to another process that got the same pid.
void signal_process(const RunnerProcess& process, int signal);

/// Kills the children of the process, so the supervisor of a guardian: on that the guardian ends the whole tree. Works
/// on a supervisor that hangs or is stopped, which no signal to the guardian does.
void kill_children(const RunnerProcess& process);

/// How a process ended.
struct ExitStatus {
  std::string words;    ///< "exit code 1", "killed by signal 9 (Killed)"
  bool failed = false;  ///< it did not end with exit code 0
};

/// Collects the exit status of a process whose pidfd is readable.
[[nodiscard]] ExitStatus reap(const RunnerProcess& process);

}  // namespace flame::backends
