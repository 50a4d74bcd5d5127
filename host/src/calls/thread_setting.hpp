// Where and before whom a thread runs: the part of a thread's nature that new ones take from whoever starts them.
#pragma once

#include <sched.h>

#include <optional>

#include "host/src/calls/scheduling_class.hpp"

namespace flame::pool {

/// Of the thread that makes this: its processors and its scheduling class.
class ThreadSetting {
 public:
  ThreadSetting() noexcept;
  /// The calling thread gets them, as far as it may: to raise one's class takes rights. What is the same stays.
  void take_on() const noexcept;

 private:
  std::optional<cpu_set_t> processors_;  // nullopt: more than the set has room for
  std::optional<SchedulingClass> class_;
};

}  // namespace flame::pool
