// The environment of a runner: built from nothing, so that no secret of the host's environment reaches plugin code.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace flame::backends {

/// Variables of the host that a runner inherits when they are set.
inline constexpr const char* kInherited[] = {"PATH", "HOME", "LANG", "TMPDIR"};

/// "NAME=value" strings, sorted by name. Later sources win: inherited, then `configured`, then `requested`, then what
/// the runner needs (FLAME_PARENT_FD, FLAME_PLUGIN_PATH from `plugin_dirs`, colon-separated).
[[nodiscard]] std::vector<std::string> runner_environment(const std::map<std::string, std::string>& inherited,
                                                          const std::map<std::string, std::string>& configured,
                                                          const std::map<std::string, std::string>& requested,
                                                          const std::vector<std::string>& plugin_dirs, int parent_fd);

/// The inherited part, read from this process's environment.
[[nodiscard]] std::map<std::string, std::string> inherited_environment();

}  // namespace flame::backends
