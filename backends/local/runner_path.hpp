// Where the flame-runner binary is: which places are tried, in which order, and what to say when none has it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <flame/result.hpp>

namespace flame::backends {

/// The inputs of the search, so that it can be tested without the process's own environment.
struct RunnerSearch {
  std::string option;      ///< [backends.local] runner; empty: not set. Set, it is the only place
  std::string variable;    ///< $FLAME_RUNNER; empty: not set. Set, it is the only place after `option`
  std::string executable;  ///< path of this process's binary; empty: unknown
  std::string installed;   ///< where `cmake --install` puts it without --prefix; empty: unknown
  std::string path;        ///< $PATH
};

/// The search of this process: $FLAME_RUNNER, /proc/self/exe, the installed place, $PATH. In a program that runs with
/// more rights than its caller (setuid, file capabilities) the variables do not count.
[[nodiscard]] RunnerSearch runner_search(std::string option);

/// Places in the order they are tried, without duplicates.
[[nodiscard]] std::vector<std::string> runner_candidates(const RunnerSearch& search);

/// The first candidate that is an executable file. One that was searched for, not named by `option` or `variable`, is
/// passed over when everybody may write to it, or when it belongs to a stranger: to nobody of root, this process's user
/// and the owner of `executable`, who decides what runs here anyway. Error: boot_failed, naming every place, why what
/// is there was not taken, and how to set one.
[[nodiscard]] Result<std::string> find_runner(const RunnerSearch& search);

}  // namespace flame::backends
