// Another host of the same name on the same computer, of which a world knows only its machines.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "tests/sim/host_machines.hpp"

namespace flame::sim {

/// Its machines, and a model of the loop around them.
class Twin {
 public:
  Twin(Context& sim, Engines& engines, std::int64_t pid);
  /// It is killed.
  ~Twin();
  Twin(const Twin&) = delete;
  Twin& operator=(const Twin&) = delete;

  /// Boots a machine, or ends one.
  void act();
  /// What its backends have said.
  void hear();

 private:
  void turn();
  void arm();

  Context& sim_;
  HostMachines machines_;
  std::vector<pool::RunnerId> up_;
  pool::RunnerId last_ = 0;
  Instant armed_ = kNever;
  std::shared_ptr<const bool> alive_ = std::make_shared<bool>(true);  // for what waits in the agenda
};

}  // namespace flame::sim
