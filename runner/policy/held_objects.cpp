// See held_objects.hpp.
#include "runner/policy/held_objects.hpp"

#include <algorithm>
#include <utility>

#include "plugin_sdk/base/limits.hpp"

namespace flame::runner {
namespace {

bool concerns(const RefuseHeld&, LeaseId) {
  return false;  // of an invocation
}
template <class Action>
bool concerns(const Action& action, LeaseId lease) {
  return action.lease == lease;
}

}  // namespace

bool HeldObjects::add(LeaseId lease, std::span<const std::uint64_t> objects) {
  std::set<std::uint64_t>& live = leases_[lease].live;
  live.insert(objects.begin(), objects.end());
  return live.size() <= limits::kObjectsPerSlotMax;
}

HeldObjects::Turn HeldObjects::enter(Instant now, LeaseId lease, std::uint64_t invocation) {
  const auto found = leases_.find(lease);
  if (found == leases_.end() || found->second.ending) return Turn::unknown;
  if (found->second.next != 0) return Turn::full;
  found->second.next = invocation;
  advance(now, lease, found->second);
  return Turn::comes;
}

bool HeldObjects::withdraw(std::uint64_t invocation) {
  const auto waits = [invocation](const auto& lease) { return lease.second.next == invocation; };
  const auto found = std::find_if(leases_.begin(), leases_.end(), waits);
  if (invocation == 0 || found == leases_.end()) return false;
  found->second.next = 0;
  return true;
}

void HeldObjects::idle(Instant now, LeaseId lease) {
  const auto found = leases_.find(lease);
  if (found == leases_.end()) return;
  found->second.busy = false;
  found->second.kill_at = kNever;
  advance(now, lease, found->second);
}

void HeldObjects::release(Instant now, LeaseId id, std::span<const std::uint64_t> objects) {
  const auto found = leases_.find(id);
  if (found == leases_.end()) return;
  Lease& lease = found->second;
  for (const std::uint64_t object : objects) {
    if (lease.live.erase(object) > 0) lease.unwanted.push_back(object);
  }
  advance(now, id, lease);
}

void HeldObjects::stop(Instant now, LeaseId lease) {
  end(now, lease, true);
}

void HeldObjects::child_ended(Instant now, LeaseId lease) {
  end(now, lease, false);
}

void HeldObjects::end(Instant now, LeaseId id, bool patient) {
  const auto found = leases_.find(id);
  if (found == leases_.end()) return;
  Lease& lease = found->second;
  lease.patient = lease.patient || patient;
  if (lease.patient) lease.kill_at = kNever;
  lease.ending = true;
  lease.unwanted.insert(lease.unwanted.end(), lease.live.begin(), lease.live.end());
  lease.live.clear();
  if (const std::uint64_t waiting = std::exchange(lease.next, 0); waiting != 0)
    actions_.emplace_back(RefuseHeld{waiting});
  advance(now, id, lease);
}

HeldObjects::Left HeldObjects::gone(LeaseId id) {
  Left left;
  for (const HeldAction& action : actions_) {
    if (const auto* enter = std::get_if<EnterHeld>(&action); enter != nullptr && enter->lease == id)
      left.waiting.push_back(enter->invocation);
    if (const auto* free = std::get_if<FreeHeld>(&action); free != nullptr && free->lease == id) left.was_free = true;
  }
  std::erase_if(actions_, [id](const HeldAction& action) {
    return std::visit([id](const auto& one) { return concerns(one, id); }, action);
  });
  const auto entry = leases_.extract(id);
  if (entry && entry.mapped().next != 0) left.waiting.push_back(entry.mapped().next);
  return left;
}

// Gives an idle slot its next work, or lets it go.
void HeldObjects::advance(Instant now, LeaseId id, Lease& lease) {
  if (lease.busy) return;
  if (!lease.unwanted.empty()) return destroy(now, id, lease);
  if (lease.live.empty()) {
    if (lease.next != 0) actions_.emplace_back(RefuseHeld{lease.next});
    actions_.emplace_back(FreeHeld{id});
    leases_.erase(id);
    return;
  }
  if (lease.next == 0) return;
  lease.busy = true;
  actions_.emplace_back(EnterHeld{id, std::exchange(lease.next, 0)});
}

void HeldObjects::destroy(Instant now, LeaseId id, Lease& lease) {
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

void HeldObjects::tick(Instant now) {
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

std::vector<HeldAction> HeldObjects::take_actions() {
  return std::exchange(actions_, {});
}

}  // namespace flame::runner
