// Who hears of each step that a pool's policy takes.
#pragma once

#include "host/src/policy/actions.hpp"
#include "host/src/policy/events.hpp"

namespace flame::pool {

class PoolPolicy;

/// Decides nothing. Loop thread.
class StepObserver {
 public:
  /// `event` was fed to `policy` and gave `actions`, which have not been carried out yet. `policy` lives as long as its
  /// pool's driver.
  virtual void on_step(const Event& event, const Actions& actions, const PoolPolicy& policy, Instant now) = 0;

 protected:
  ~StepObserver() = default;
};

}  // namespace flame::pool
