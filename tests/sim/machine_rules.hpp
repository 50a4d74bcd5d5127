// What no host may do to machines: holds each call of a backend against the truth about them.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include <flame/backend.hpp>

#include "tests/sim/context.hpp"
#include "tests/sim/host_process.hpp"
#include "tests/support/scripted_engine.hpp"

namespace flame::sim {

class MachineRules {
 public:
  explicit MachineRules(Context& sim) : sim_(sim) {}

  // --- hosts
  void begins(const pool::HostProcess& process) { living_.insert(label_of(process)); }
  void ends(const pool::HostProcess& process) { living_.erase(label_of(process)); }
  [[nodiscard]] bool lives(const pool::HostProcess& process) const { return living_.contains(label_of(process)); }
  /// A machine that is younger may be that of a boot that is under way.
  [[nodiscard]] Duration boot_max() const;
  /// In seconds, by the clock of engines.
  [[nodiscard]] std::int64_t unix_time() const;

  // --- what a host's process asks of a backend
  void boots(const pool::HostProcess& process, const Backend& backend, const test::ScriptedEngine& engine,
             const MachineName& name);
  void destroys(const pool::HostProcess& process, const test::ScriptedEngine& engine, const MachineName& name);

  /// Machines of this process.
  [[nodiscard]] static std::vector<MachineName> of(const pool::HostProcess& process,
                                                   const test::ScriptedEngine& engine);

 private:
  [[nodiscard]] bool has_expired(const flame::Machine& machine) const;

  Context& sim_;
  std::set<std::string> living_;
  std::set<MachineName> names_;
};

}  // namespace flame::sim
