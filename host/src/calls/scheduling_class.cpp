// Reads and sets classes; compares them.
#include "host/src/calls/scheduling_class.hpp"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace flame::pool {
namespace {

enum class Rank : std::uint8_t { idle, fair, real_time };

std::optional<Rank> rank_of(std::uint32_t policy) noexcept {
  switch (policy) {
    case SCHED_IDLE:
      return Rank::idle;
    case SCHED_OTHER:
    case SCHED_BATCH:
      return Rank::fair;
    case SCHED_FIFO:
    case SCHED_RR:
      return Rank::real_time;
    default:
      return std::nullopt;
  }
}

}  // namespace

std::optional<SchedulingClass> SchedulingClass::of(pid_t thread) noexcept {
  SchedulingClass found;
  if (::syscall(SYS_sched_getattr, thread, &found, sizeof found, 0) != 0) return std::nullopt;
  return found;
}

bool SchedulingClass::take_on() const noexcept {
  if (!rank_of(policy)) return false;
  SchedulingClass wanted = *this;
  wanted.flags = 0;
  return ::syscall(SYS_sched_setattr, 0, &wanted, 0) == 0;
}

bool is_at_least(const SchedulingClass& one, const SchedulingClass& other) noexcept {
  if (one == other) return true;
  const auto rank = rank_of(one.policy);
  const auto other_rank = rank_of(other.policy);
  if (!rank || !other_rank) return false;
  if (*rank != *other_rank) return *rank > *other_rank;
  switch (*rank) {
    case Rank::idle:
      return true;  // there nice does not count
    case Rank::fair:
      // A batch thread is not let in before another when it wakes.
      return one.nice <= other.nice && (one.policy == other.policy || one.policy == SCHED_OTHER);
    case Rank::real_time:
      return one.priority >= other.priority;
  }
  return false;
}

}  // namespace flame::pool
