// See held_slots.hpp.
#include "runner/policy/held_slots.hpp"

#include <algorithm>
#include <utility>

#include "plugin_sdk/base/limits.hpp"

namespace flame::runner {

bool HeldSlots::add(LeaseId lease, std::span<const std::uint64_t> objects) {
  std::set<std::uint64_t>& live = leases_[lease].live;
  live.insert(objects.begin(), objects.end());
  return live.size() <= limits::kObjectsPerSlotMax;
}

HeldSlots::Turn HeldSlots::enter(Instant now, LeaseId lease, std::uint64_t invocation) {
  const auto found = leases_.find(lease);
  if (found == leases_.end() || found->second.ending) return Turn::unknown;
  if (found->second.waiting.size() >= limits::kHeldCallsMax) return Turn::full;
  found->second.waiting.push_back(invocation);
  waits_for_[invocation] = lease;
  advance(now, lease, found->second);
  return Turn::comes;
}

bool HeldSlots::withdraw(std::uint64_t invocation) {
  const auto entry = waits_for_.extract(invocation);
  if (entry.empty()) return false;
  std::erase(leases_.at(entry.mapped()).waiting, invocation);
  return true;
}

void HeldSlots::idle(Instant now, LeaseId lease) {
  const auto found = leases_.find(lease);
  if (found == leases_.end()) return;
  found->second.busy = false;
  found->second.kill_at = kNever;
  advance(now, lease, found->second);
}

void HeldSlots::release(Instant now, LeaseId id, std::span<const std::uint64_t> objects) {
  const auto found = leases_.find(id);
  if (found == leases_.end()) return;
  Lease& lease = found->second;
  for (const std::uint64_t object : objects) {
    if (lease.live.erase(object) > 0) lease.unwanted.push_back(object);
  }
  advance(now, id, lease);
}

void HeldSlots::stop(Instant now, LeaseId lease) {
  end(now, lease, true);
}

void HeldSlots::child_ended(Instant now, LeaseId lease) {
  end(now, lease, false);
}

void HeldSlots::end(Instant now, LeaseId id, bool patient) {
  const auto found = leases_.find(id);
  if (found == leases_.end()) return;
  Lease& lease = found->second;
  lease.patient = lease.patient || patient;
  if (lease.patient) lease.kill_at = kNever;
  lease.ending = true;
  lease.unwanted.insert(lease.unwanted.end(), lease.live.begin(), lease.live.end());
  lease.live.clear();
  for (const std::uint64_t invocation : std::exchange(lease.waiting, {})) {
    waits_for_.erase(invocation);
    actions_.emplace_back(RefuseHeld{invocation});
  }
  advance(now, id, lease);
}

std::vector<std::uint64_t> HeldSlots::gone(LeaseId id) {
  const auto entry = leases_.extract(id);
  if (entry.empty()) return {};
  const std::deque<std::uint64_t>& waiting = entry.mapped().waiting;
  for (const std::uint64_t invocation : waiting) waits_for_.erase(invocation);
  return {waiting.begin(), waiting.end()};
}

// Gives an idle slot its next work, or lets it go.
void HeldSlots::advance(Instant now, LeaseId id, Lease& lease) {
  if (lease.busy) return;
  if (!lease.unwanted.empty()) return destroy(now, id, lease);
  if (lease.live.empty()) {
    for (const std::uint64_t invocation : gone(id)) actions_.emplace_back(RefuseHeld{invocation});
    actions_.emplace_back(FreeHeld{id});
    return;
  }
  if (lease.waiting.empty()) return;
  const std::uint64_t next = lease.waiting.front();
  lease.waiting.pop_front();
  waits_for_.erase(next);
  lease.busy = true;
  actions_.emplace_back(EnterHeld{id, next});
}

void HeldSlots::destroy(Instant now, LeaseId id, Lease& lease) {
  const auto count = static_cast<std::ptrdiff_t>(std::min(lease.unwanted.size(), limits::kAttachmentsMax));
  DestroyHeld action{id, {lease.unwanted.begin(), lease.unwanted.begin() + count}};
  lease.unwanted.erase(lease.unwanted.begin(), lease.unwanted.begin() + count);
  lease.busy = true;
  if (!lease.patient) {
    lease.kill_at = deadline_after(now, kill_grace_);
    wake_at_ = std::min(wake_at_, lease.kill_at);
  }
  actions_.emplace_back(std::move(action));
}

void HeldSlots::tick(Instant now) {
  if (now < wake_at_) return;
  wake_at_ = kNever;
  for (auto& [id, lease] : leases_) {
    if (now >= lease.kill_at) {
      lease.kill_at = kNever;
      actions_.emplace_back(KillHeld{id});
    }
    wake_at_ = std::min(wake_at_, lease.kill_at);
  }
}

std::vector<HeldAction> HeldSlots::take_actions() {
  return std::exchange(actions_, {});
}

}  // namespace flame::runner
