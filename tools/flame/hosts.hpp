// Which running hosts a command means, and what they answer.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <flame/result.hpp>

#include "host/src/control/request.hpp"
#include "host/src/trace/status.hpp"

namespace CLI {
class App;
}

namespace flame::cli {

/// --host and --control. Both empty: every host that is found.
struct HostChoice {
  std::string host;     ///< name or pid
  std::string control;  ///< path of a control socket
};
void add_host_options(CLI::App& command, HostChoice& choice);

/// One host of this machine.
struct FoundHost {
  std::int64_t pid = 0;  ///< 0: not known, as it was named by its socket
  std::string name;      ///< empty: it did not say
  std::string control;   ///< empty: it has none
  bool own = true;       ///< of this user; root finds those of others, too
};

/// Those that are meant; at least one. Asks the hosts for their names where a name was given. Error: not_found that
/// says what runs instead.
[[nodiscard]] Result<std::vector<FoundHost>> find_hosts(const HostChoice& choice);

/// Asks within limits::kControlClientTime. Errors: ask_host(); not_found for a host without a socket.
[[nodiscard]] control::Answer ask(const FoundHost& host, const control::Request& request);

/// "host web-1 (pid 4711)", or what of it is known.
[[nodiscard]] std::string describe(const FoundHost& host);

}  // namespace flame::cli
