// The first process of flame-runner: takes the secrets out of the environment, starts the supervisor as its only
// child, and leaves nothing behind when that ends.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "runner/policy/clock.hpp"

namespace flame::runner {

/// Where FLAME_PARENT came from, decoded. Empty `bytes` and a non-empty `error` if there is none or it is damaged.
struct ParentBytes {
  std::string bytes;  // wire/parent.fbs; holds keys
  std::string error;
};

/// Takes FLAME_PARENT (base64; its bytes are overwritten where the kernel shows them, and the variable is unset) or the
/// contents of the descriptor in FLAME_PARENT_FD (which is closed). Call before any thread exists.
[[nodiscard]] ParentBytes take_parent_from_environment();

/// A supervisor that was stopped (SIGSTOP) for so long is killed: longer than a host waits for a silent runner, and
/// that host may be gone itself.
inline constexpr Duration kStandstillMax = std::chrono::minutes(1);

/// How long a supervisor may stand still.
struct Patience {
  Duration standstill = kStandstillMax;
  /// Over ipc a host keeps a silent runner: then also for as long as the process lives that started this one.
  bool while_starter_lives = false;
};
/// For what FLAME_PARENT says. Unreadable bytes: the default.
[[nodiscard]] Patience patience_for(const std::string& parent_bytes);

/// Gives every signal its default action, whatever it was started with. Forks `supervisor` (which returns the exit
/// status), in a cgroup of its own where one can be made, forwards SIGTERM and SIGINT to it as SIGTERM, kills it when
/// it stands still for longer than `patience`, and when it has ended kills and reaps every descendant. Returns the
/// supervisor's exit status, or 128 + signal, or 1 when it could not be forked or nobody can tell. `parent` is wiped in
/// this process. The calling process must be single-threaded; SIGHUP reaches the supervisor if the guardian dies.
[[nodiscard]] int guard(ParentBytes& parent, const std::function<int(std::string parent_bytes)>& supervisor,
                        Patience patience = {});

}  // namespace flame::runner
