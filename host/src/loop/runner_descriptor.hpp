// What one runner is told when its machine starts.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include <flame/backend.hpp>
#include <flame/config.hpp>

#include "host/src/transport/listeners.hpp"
#include "plugin_sdk/wire/messages.hpp"

namespace flame::pool {

/// FLAME_PARENT of one runner, complete but for where it dials: that is known once its backend says how the machine
/// reaches this host. [any thread]
class RunnerDescriptor final : public BootDescriptor {
 public:
  struct Listening {
    Endpoints ipc;
    Endpoints tcp;
    std::string advertise;  // of its backend's table, else of [host]
  };
  /// `secrets`: of the tasks, by variable.
  RunnerDescriptor(wire::Parent parent, Listening listening, std::map<std::string, Secret> secrets = {});

  /// Reads the secrets when it is first asked. Errors: those of endpoints_for() and reveal().
  [[nodiscard]] Result<std::string> bytes(const Reach& reach) const override;

 private:
  const wire::Parent parent_;
  const Listening listening_;
  const std::map<std::string, Secret> secrets_;
  mutable std::once_flag read_;
  mutable Result<std::vector<wire::KeyValue>> revealed_;
};

}  // namespace flame::pool
