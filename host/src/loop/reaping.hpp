// Lists what backends have, feeds their reapers, and does what these decide.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <flame/backend.hpp>

#include "host/src/calls/commands.hpp"
#include "host/src/loop/backend_port.hpp"
#include "host/src/policy/machine_names.hpp"
#include "host/src/policy/reaper.hpp"
#include "plugin_sdk/base/log.hpp"

namespace flame::pool {

/// Loop thread, except construction. Machines of this host it never touches.
class Reaping {
 public:
  /// `reap` of [backends.NAME], by that name; backends that are not here: report.
  using Modes = std::map<std::string, Reap>;
  struct Parts {
    HostIdentity identity;
    Modes modes;
    Duration boot_max = kForever;                     // Reaper::Options
    std::function<bool(const HostProcess&)> is_gone;  // none: nobody is. Never blocks
    std::uint64_t seed = 0;
    std::function<std::int64_t()> unix_time;
    base::Logger log;
  };
  explicit Reaping(Parts parts);

  /// Its machines are listed from now on, if it can.
  void opened(BackendPort& port, Instant now);
  /// False: it is no list of this. `ours`: the machines of this host.
  bool listed(BackendPort& port, const command::BackendSaid::Listed& listed, const std::set<MachineName>& ours,
              Instant now);
  /// A machine that may be none of this host; what this did not destroy is nothing to it.
  void destroyed(BackendPort& port, const command::BackendSaid::Destroyed& destroyed);
  void tick(Instant now);
  [[nodiscard]] Instant next_wakeup() const;
  /// For good: nothing is listed or destroyed any more.
  void stop() { watched_.clear(); }

 private:
  struct Watched {
    BackendPort* port;
    Reaper reaper;
    std::uint64_t ticket = 0;         // of the list that is awaited
    bool unanswered = false;          // the last list has failed, and the log says so
    std::set<MachineName> destroyed;  // asked for, until the answer
    std::set<MachineName> left;       // could not be destroyed, and the log says so
  };

  void act(BackendPort& port, Watched& watched, const Reaper::Findings& findings);
  void tell(const BackendPort& port, Reap mode, const Reaper::Findings& findings) const;
  [[nodiscard]] std::set<HostProcess> gone_of(const std::set<HostProcess>& processes) const;

  [[nodiscard]] Watched* find(const BackendPort& port);

  const Parts parts_;
  std::map<std::string, Watched> watched_;  // by the backend's name
};

}  // namespace flame::pool
