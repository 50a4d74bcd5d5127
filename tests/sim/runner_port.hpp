// What the parts of a simulated runner use of it.
#pragma once

#include <functional>

#include "tests/sim/link.hpp"

namespace flame::sim {

class RunnerPort {
 public:
  virtual ~RunnerPort() = default;
  [[nodiscard]] virtual RunnerId id() const noexcept = 0;
  /// Happens on this machine: not while it stands still, never once it is gone.
  virtual void later(Duration delay, std::function<void()> task) = 0;
  /// To the host, if it is not lost.
  virtual void send(Line line, wire::Body body) = 0;
};

}  // namespace flame::sim
