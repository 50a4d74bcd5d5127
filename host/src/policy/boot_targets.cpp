// BootTargets: a walk along those that wait.
#include "host/src/policy/boot_targets.hpp"

#include <algorithm>
#include <cstdint>

#include "host/src/policy/call_table.hpp"
#include "host/src/policy/lifetimes.hpp"
#include "host/src/policy/placement.hpp"
#include "host/src/policy/scheduler.hpp"
#include "plugin_sdk/base/limits.hpp"

namespace flame::pool {

BootTargets::BootTargets(const Pool& pool, const Elastic::Counts& counts, Placement& placement, Instant now)
    : lifetimes_(pool.lifetimes),
      placement_(placement),
      now_(now),
      plan_(pool.elastic.plan(counts, now)),
      capacity_(pool.scheduler.capacity()) {
  if (!lifetimes_.any_end()) return;
  Elastic::Counts without_waiters = counts;
  without_waiters.waiting = 0;
  without_waiters.unhelped = 0;
  anyway_ =
      std::max(pool.elastic.plan(without_waiters, now).boots, plan_.boots - std::min(plan_.boots, for_waiters(counts)));
  endless_come_ = lifetimes_.endless_come(placement_);
  const std::uint64_t helped = std::uint64_t{counts.booting} * capacity_;
  std::vector<CallId> waiters = pool.scheduler.oldest_waiters(helped, limits::kLookWaitersMax);
  // Boots that help nobody who waits for what they will not have.
  if (waiters.empty()) waiters = pool.scheduler.oldest_waiters(0, limits::kLookWaitersMax);
  for (const CallId call : waiters) limits_.push_back(base::remaining(pool.calls.ends_by(call, now), now));
}

// What boots already is for those that wait, before it counts as kept ahead: as in Elastic::plan().
std::uint32_t BootTargets::for_waiters(const Elastic::Counts& counts) const {
  const auto runners = [this](std::uint64_t calls) { return (calls + capacity_ - 1) / capacity_; };
  const std::uint64_t waiting = runners(counts.waiting);
  const std::uint64_t more = waiting > counts.booting ? waiting - counts.booting : 0;
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(std::max(more, runners(counts.unhelped)), UINT32_MAX));
}

std::optional<BackendIndex> BootTargets::next() {
  if (!lifetimes_.any_end()) return placement_.next(now_);
  while (place_ < limits_.size()) {
    const std::optional<BackendIndex> backend = next_for(limits_[place_]);
    place_ += backend ? capacity_ : 1;  // it helps those behind, too
    if (backend) return backend;
    passed_over_ = true;
  }
  // The plan also counts those whom what boots now has no room for, or not their version. Where no machine suits
  // somebody who waits, some of it may be for them.
  if (passed_over_ && anyway_ == 0) return std::nullopt;
  if (anyway_ > 0) --anyway_;
  return next_for(Duration::zero());
}

bool BootTargets::helps_to_leave(BackendIndex leaving) const {
  if (!lifetimes_.any_end()) return true;
  for (const Duration limit : limits_)
    for (BackendIndex one = 0; one < placement_.size(); ++one)
      if (lifetimes_.suits(one, limit, endless_come_) && placement_.can_take(one, now_, one == leaving)) return true;
  return false;
}

std::optional<BackendIndex> BootTargets::next_for(Duration limit) {
  return placement_.next(now_, [&](BackendIndex one) { return lifetimes_.suits(one, limit, endless_come_); });
}

}  // namespace flame::pool
