// Starts a program with exactly the environment and descriptors it is given.
#pragma once

#include <sys/types.h>

#include <string>
#include <system_error>
#include <vector>

#include <boost/system/result.hpp>

#include "plugin_sdk/base/unique_fd.hpp"

namespace flame::base {

/// Descriptor `from` of this process becomes `to` in the program. `from` stays open here.
struct FdMapping {
  int from = -1;
  int to = -1;
};

struct SpawnRequest {
  std::string path;               ///< absolute or relative; PATH is not searched
  std::vector<std::string> argv;  ///< with argv[0]; empty: {path}
  std::vector<std::string> env;   ///< "NAME=value"; nothing is inherited
  std::vector<FdMapping> fds;     ///< 0 is /dev/null, 1 and 2 are inherited unless mapped; no other descriptor passes
  bool new_session = false;       ///< setsid() in the child
};

struct Spawned {
  pid_t pid = -1;
  UniqueFd pidfd;  ///< readable once the program has ended; the caller still reaps `pid`
};

/// posix_spawn(): never copies this process's memory. The child starts with default signal actions and an empty mask.
/// Errors are the system's: no_such_file_or_directory and permission_denied mean `path` (or its interpreter), the rest
/// resources. Callers say which option to change. [any thread]
[[nodiscard]] boost::system::result<Spawned, std::error_code> spawn(const SpawnRequest& request);

}  // namespace flame::base
