// What the kernel goes by when it gives out processors to threads.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

namespace flame::pool {

/// As of sched_getattr(2); glibc 2.36 has neither wrapper nor struct for it. The layout is the kernel's.
struct SchedulingClass {
  std::uint32_t size = 48;
  std::uint32_t policy = 0;
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime = 0;
  std::uint64_t deadline = 0;
  std::uint64_t period = 0;

  /// Of a thread of this process; 0: the calling one. nullopt: it is gone.
  [[nodiscard]] static std::optional<SchedulingClass> of(pid_t thread) noexcept;
  /// The calling thread gets it. False: it may not (a higher one needs rights), or it is one of those with a budget.
  bool take_on() const noexcept;

  [[nodiscard]] bool operator==(const SchedulingClass& other) const noexcept {
    return policy == other.policy && nice == other.nice && priority == other.priority;
  }
};
static_assert(sizeof(SchedulingClass) == 48);

/// Whether a thread of class `one` gets a processor at least as readily as one of class `other`. Who may be throttled
/// (SCHED_DEADLINE), and what is not known here, is so only for its like.
[[nodiscard]] bool is_at_least(const SchedulingClass& one, const SchedulingClass& other) noexcept;

}  // namespace flame::pool
