// Changes a plugin's version on running hosts: finds those that are concerned, has each begin, and asks after all until
// they have ended.
#pragma once

#include <string>
#include <vector>

#include <flame/result.hpp>

#include "host/src/control/request.hpp"
#include "tools/flame/hosts.hpp"
#include "tools/flame/plugin_change.hpp"

namespace flame::cli {

struct ConcernedHosts {
  std::vector<FoundHost> hosts;     ///< with names
  std::vector<ChangedHost> silent;  ///< those that did not say what they serve, each with its error
};

/// The host that is named; else those of this user that have a line of the plugin, in `pool` if it is not empty:
/// perhaps none. Error: find_hosts()'s when one was named.
[[nodiscard]] Result<ConcernedHosts> find_concerned(const HostChoice& choice, const std::string& plugin,
                                                    const std::string& pool);

struct HostChanges {
  std::vector<ChangedHost> ended;    ///< in the order of the hosts
  std::vector<FoundHost> under_way;  ///< none, unless `stop_fd` became readable
};

/// Has all hosts change at once, and returns when each has ended or failed, or when `stop_fd` becomes readable: what is
/// under way goes on then. A host that does not answer counts as failed.
[[nodiscard]] HostChanges change_on(const std::vector<FoundHost>& hosts, const control::ChangeRequest& request,
                                    int stop_fd);

}  // namespace flame::cli
