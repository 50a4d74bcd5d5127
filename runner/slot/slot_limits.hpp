// What the kernel enforces on a slot process, and what it counts.
#pragma once

#include <sys/resource.h>

#include <cstdint>
#include <string_view>

#include "runner/protocol/protocol.hpp"

namespace flame::slot {

/// Once, after the fork and before plugin code runs: out-of-memory preference, core dumps, memory, open files.
/// `slots`: threads that share the process share the sum of their memory.
void apply_process_limits(const SlotLimits& limits, std::uint32_t slots);

/// Leaves core dumps of this process to the system, as far as the hard limit goes that it has inherited.
void allow_core_dumps();

/// Under a memory limit: gives threads that are started from here on, if who starts them asks for no size, stacks of
/// memory / limits::kStacksPerMemory, but at least limits::kThreadStackMin. The kernel counts a stack as used from its
/// first to its last byte.
void fit_thread_stacks(const SlotLimits& limits);

/// What to add to the message of an exception that a thread which could not be started may have caused; often empty.
[[nodiscard]] std::string_view thread_remedy(const SlotLimits& limits, std::string_view message);

/// Lets the process use this much more CPU time before SIGXCPU; 0 takes the limit away. Whole seconds, rounded up.
/// Returns the soft limit that is in force then.
rlim_t limit_cpu_time(std::int64_t budget_ns);

/// CPU time and peak memory, as differences between two points of one thread's or process's life.
class UsageMeter {
 public:
  /// `thread`: of the calling thread only; there is no peak memory then.
  explicit UsageMeter(bool thread);
  /// Starts a measurement and writes its starting point into the page.
  void begin(ControlPage& page);
  [[nodiscard]] UsageNumbers end();

 private:
  void read();

  bool thread_;
  std::int64_t wall_ns_ = 0;
  std::int64_t begun_user_ns_ = 0;
  std::int64_t begun_system_ns_ = 0;
  std::int64_t user_ns_ = 0;  // as of the last read()
  std::int64_t system_ns_ = 0;
  std::uint64_t memory_at_start_ = 0;  // peak of the fresh slot: what it shares with its zygote
  std::uint64_t peak_ = 0;
};

}  // namespace flame::slot
