// What the parts of a simulated machine use of it.
#pragma once

#include <functional>

#include "tests/sim/context.hpp"

namespace flame::sim {

class Machine {
 public:
  /// The runner that is there.
  [[nodiscard]] virtual RunnerId id() const noexcept = 0;
  /// Happens on this machine: not while it stands still, never once it is gone.
  virtual void later(Duration delay, std::function<void()> task) = 0;

 protected:
  ~Machine() = default;
};

}  // namespace flame::sim
