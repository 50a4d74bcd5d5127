// The machines of one host of a world: the real Machines with their reaper, and what backends have said until the host
// looks.
#pragma once

#include <memory>
#include <vector>

#include "host/src/loop/machines.hpp"
#include "tests/sim/engines.hpp"

namespace flame::sim {

class HostMachines {
 public:
  /// Its process begins.
  HostMachines(Context& sim, Engines& engines, const pool::HostProcess& process, base::Logger log);
  HostMachines(const HostMachines&) = delete;
  HostMachines& operator=(const HostMachines&) = delete;

  [[nodiscard]] pool::Machines& operator*() noexcept { return machines_; }
  [[nodiscard]] const pool::Machines& operator*() const noexcept { return machines_; }
  [[nodiscard]] pool::Machines* operator->() noexcept { return &machines_; }
  [[nodiscard]] const pool::Machines* operator->() const noexcept { return &machines_; }

  /// True: something was said since the last time.
  [[nodiscard]] bool hear();
  /// Machines take what was said. False: nothing was.
  bool take(Instant now);
  /// The process is killed.
  void die() { engines_.end(process_); }

 private:
  Engines& engines_;
  const pool::HostProcess process_;
  const std::shared_ptr<pool::Inbox> inbox_ = std::make_shared<pool::Inbox>();
  std::vector<pool::Command> news_;
  std::vector<pool::Command> said_;
  pool::Machines machines_;
};

}  // namespace flame::sim
