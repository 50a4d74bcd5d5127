// What pools ask of backends. Machines does it; simulated worlds have machines of their own.
#pragma once

#include <string>

#include <flame/backend.hpp>

#include "host/src/policy/types.hpp"

namespace flame::pool {

/// Loop thread. No call blocks: what comes of one is told later, as PoolDriver::on_boot() and event::MachineExited.
class MachineMaker {
 public:
  /// `request`: all but `name` and `labels`.
  virtual void boot(RunnerKey runner, const std::string& backend, BootRequest request) = 0;
  /// Its machine, or its boot; its exit may still be told. Unknown runners: nothing.
  virtual void destroy(RunnerKey runner) = 0;
  /// The end of the log of its machine, or of its boot; answered by event::BootLog. One that cannot answers never.
  virtual void ask_log(RunnerKey /*runner*/) {}
  /// How the runner's machine is called; its id is empty until it has started, all of it for unknown runners.
  struct Called {
    MachineName name;
    MachineId id;
  };
  [[nodiscard]] virtual Called machine_of(RunnerKey runner) const = 0;
  /// Of one that boot() knows.
  [[nodiscard]] virtual const BackendTraits& traits(const std::string& backend) const = 0;

 protected:
  ~MachineMaker() = default;
};

}  // namespace flame::pool
