// The backends that a configuration names: made with their options, or what is wrong with them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <flame/backend.hpp>
#include <flame/config.hpp>

namespace flame::pool {

using Backends = std::map<std::string, std::shared_ptr<Backend>>;

/// BackendSources::variable.
inline constexpr const char* kBackendVariable = "FLAME_BACKEND";

struct BackendSet {
  Backends made;  ///< the program's own, and one for each name that a pool uses, or of each table
  std::map<std::string, std::vector<std::string>> of_pool;  ///< their names, by pool; never empty
  std::vector<Error> problems;  ///< in the order of the file; each message begins with its place
};

/// What make_backends() is told beside the configuration.
struct BackendSources {
  Backends own;                                     ///< of the program, by name
  std::map<std::string, BackendFactory> factories;  ///< by kind
  BackendEnvironment environment;                   ///< all but the name
  std::string variable;                             ///< $FLAME_BACKEND: names, separated by commas; empty: not set
  bool keep_unused = false;                         ///< tables that no pool uses, too: machines may be left there
};

/// A pool that names no backend has those of `variable`, else of [host]. Every name must be that of one of the
/// program's own backends, of a table in [backends], or of a kind; every table must be of a kind and suit its factory:
/// also one that no pool uses, because a misspelt table would otherwise leave its options out without a word. Own
/// backends win over a kind of the same name. A pool's `size` must be one of each of its backends.
[[nodiscard]] BackendSet make_backends(const HostConfig& config, BackendSources sources);

/// Of the tables that have one: `max`, which counts the machines of all pools; …
[[nodiscard]] std::map<std::string, std::uint64_t> machines_max(const HostConfig& config);
/// … and `reap`, of all tables.
[[nodiscard]] std::map<std::string, Reap> reap_modes(const HostConfig& config);

/// The names of those whose runners are processes of this machine.
[[nodiscard]] std::set<std::string> on_this_kernel(const Backends& backends);

/// The names of those whose machines can be found when their host is gone.
[[nodiscard]] std::vector<std::string> that_list(const Backends& backends);

/// What the machines of each backend dial for tcp; "auto": the addresses that it knows.
[[nodiscard]] std::map<std::string, std::string> advertised(const HostConfig& config, const Backends& backends);

}  // namespace flame::pool
