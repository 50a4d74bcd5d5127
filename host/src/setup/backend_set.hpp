// The backends that a configuration names: made with their options, or what is wrong with them.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <flame/backend.hpp>
#include <flame/config.hpp>

namespace flame::pool {

using Backends = std::map<std::string, std::shared_ptr<Backend>>;

struct BackendSet {
  Backends made;                ///< the program's own, and those that a pool uses
  std::vector<Error> problems;  ///< in the order of the file; each message begins with its place
};

/// Every name in `pools.*.backend` and every table in [backends] must be one of the program's own backends or of
/// `factories`, and every table must suit its factory: also one that no pool uses, because a misspelt table would
/// otherwise leave its options out without a word. Own backends win over a factory of the same name. `environment`: all
/// but the name.
[[nodiscard]] BackendSet make_backends(const HostConfig& config, Backends own,
                                       const std::map<std::string, BackendFactory>& factories,
                                       const BackendEnvironment& environment);

}  // namespace flame::pool
