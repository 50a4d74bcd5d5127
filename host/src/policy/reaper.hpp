// Which machines of one backend a host that is gone has left, as its lists show.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <flame/backend.hpp>
#include <flame/config.hpp>

#include "host/src/policy/machine_owner.hpp"
#include "host/src/policy/types.hpp"

namespace flame::pool {

/// How old the machine of a boot that is under way may be, in any of the pools; kForever: there is no such age.
[[nodiscard]] Duration longest_boot(const HostConfig& config);

/// Pure; not thread-safe. Says when to list, and draws from each list what nobody needs any more. A machine counts only
/// if no rule speaks for it: its name is none of ours, it is_abandoned() in two lists in a row, and it is older than
/// any boot may take. What a list does not show means nothing.
class Reaper {
 public:
  struct Options {
    Reap mode = Reap::report;      ///< report: what is found is told; destroy: that, and destroyed
    std::string host;              ///< Viewpoint::host
    std::string origin;            ///< Viewpoint::origin
    Duration boot_max = kForever;  ///< a machine of at most this age may belong to a boot that is under way
    std::uint64_t seed = 0;
  };
  /// What is known when a list comes.
  struct Known {
    std::set<HostProcess> gone;  ///< of processes(): those that do not exist for sure
    std::set<MachineName> ours;
    std::int64_t unix_time = 0;
  };
  struct Finding {
    MachineName name;
    MachineId id;
    std::string pool;  ///< as its label has it; may be empty
    MachineOwner owner = MachineOwner::unknown;
    Duration age{};
  };
  struct Findings {
    /// Reap::destroy: at most limits::kReapsPerList, first those that were asked for least often, so that what cannot
    /// be destroyed does not stand in the way of the rest, which a later list brings.
    std::vector<Finding> destroy;
    std::vector<Finding> news;  ///< found for the first time: at most limits::kReapLinesMax …
    std::size_t more_news = 0;  ///< … and so many more
  };

  explicit Reaper(Options options);

  /// The backend has opened, well or not: lists begin.
  void opened(Instant now);
  /// True: list now, by scope(). The answer is fed to listed() or failed(); one that is not is forgotten after
  /// limits::kListAnswerMax.
  [[nodiscard]] bool tick(Instant now);
  [[nodiscard]] Instant next_wakeup() const noexcept { return next_list_; }
  [[nodiscard]] Labels scope() const { return {{"flame-host", options_.host}}; }
  [[nodiscard]] Reap mode() const noexcept { return options_.mode; }

  /// Those whose end would prove something about these machines.
  [[nodiscard]] std::set<HostProcess> processes(const std::vector<Machine>& machines) const;
  /// Only the first limits::kReapMachinesMax machines are looked at.
  [[nodiscard]] Findings listed(const std::vector<Machine>& machines, const Known& known, Instant now);
  /// There is no list: that proves nothing, and the one before is no proof any more.
  void failed(Instant now);

 private:
  using Key = std::pair<MachineName, MachineId>;  // a name may come back with another machine
  struct Suspect {
    bool told = false;
    std::uint32_t destroys = 0;  // that were asked for
  };
  using Suspects = std::map<Key, Suspect>;

  void plan_next(Instant now);
  [[nodiscard]] MachineOwner judge(const Machine& machine, const Known& known) const;
  static void tell(Findings& findings, Finding finding);
  [[nodiscard]] std::vector<Finding> to_destroy(std::vector<Finding> old);

  const Options options_;
  std::mt19937_64 random_;
  Instant next_list_ = kNever;
  Suspects suspects_;  // of the last list
};

}  // namespace flame::pool
