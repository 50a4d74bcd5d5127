// What one runner is told when its machine starts.
#pragma once

#include <string>

#include <flame/backend.hpp>

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
  RunnerDescriptor(wire::Parent parent, Listening listening);

  /// Error: that of endpoints_for().
  [[nodiscard]] Result<std::string> bytes(const Reach& reach) const override;

 private:
  const wire::Parent parent_;
  const Listening listening_;
};

}  // namespace flame::pool
