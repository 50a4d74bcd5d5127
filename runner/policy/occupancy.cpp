// See occupancy.hpp.
#include "runner/policy/occupancy.hpp"

#include <algorithm>
#include <utility>

#include "plugin_sdk/base/assert.hpp"

namespace flame::runner {

const Occupancy::Seat& Occupancy::at(SlotRef slot) const {
  static const Seat kEmpty;
  const auto found = seats_.find(key(slot));
  return found == seats_.end() ? kEmpty : found->second;
}

std::optional<SlotRef> Occupancy::find(std::uint64_t invocation) const {
  const auto found = places_.find(invocation);
  return found == places_.end() ? std::nullopt : std::optional(found->second);
}

bool Occupancy::is_behind(std::uint64_t invocation) const {
  const auto place = find(invocation);
  if (!place) return false;
  const Seat& seat = at(*place);
  return seat.invocation != invocation && seat.lease != invocation;
}

std::vector<std::uint64_t> Occupancy::all() const {
  std::vector<std::uint64_t> invocations;
  for (const auto& [invocation, slot] : places_) invocations.push_back(invocation);
  return invocations;
}

void Occupancy::enter(SlotRef slot, std::uint64_t invocation) {
  Seat& seat = seats_[key(slot)];
  FLAME_ASSERT(seat.invocation == 0, "a slot runs one invocation");
  seat.invocation = invocation;
  places_[invocation] = slot;
}

std::uint64_t Occupancy::leave(SlotRef slot) {
  const auto found = seats_.find(key(slot));
  if (found == seats_.end()) return 0;
  const std::uint64_t ended = std::exchange(found->second.invocation, 0);
  if (ended != found->second.lease) places_.erase(ended);
  drop_if_empty(slot);
  return ended;
}

void Occupancy::hold(SlotRef slot) {
  Seat& seat = seats_[key(slot)];
  FLAME_ASSERT(seat.invocation != 0 && seat.lease == 0, "what runs in a free slot leaves the first objects");
  seat.lease = seat.invocation;
}

LeaseId Occupancy::let_go(SlotRef slot) {
  const auto found = seats_.find(key(slot));
  if (found == seats_.end()) return 0;
  const LeaseId lease = std::exchange(found->second.lease, 0);
  if (lease != found->second.invocation) places_.erase(lease);
  drop_if_empty(slot);
  return lease;
}

void Occupancy::queue(SlotRef slot, std::uint64_t invocation) {
  seats_[key(slot)].behind.push_back(invocation);
  places_[invocation] = slot;
}

std::uint64_t Occupancy::pass_on(SlotRef slot) {
  const auto found = seats_.find(key(slot));
  if (found == seats_.end() || found->second.behind.empty()) return 0;
  Seat& seat = found->second;
  FLAME_ASSERT(seat.invocation == 0, "a slot runs one invocation");
  seat.invocation = seat.behind.front();
  seat.behind.erase(seat.behind.begin());
  return seat.invocation;
}

void Occupancy::revoke(SlotRef slot, const std::vector<std::uint64_t>& invocations) {
  const auto found = seats_.find(key(slot));
  if (found == seats_.end()) return;
  for (const std::uint64_t invocation : invocations) {
    if (std::erase(found->second.behind, invocation) > 0) places_.erase(invocation);
  }
  drop_if_empty(slot);
}

std::vector<std::uint64_t> Occupancy::take_behind(SlotRef slot) {
  const std::vector<std::uint64_t> behind = at(slot).behind;
  revoke(slot, behind);
  return behind;
}

void Occupancy::drop_if_empty(SlotRef slot) {
  const auto found = seats_.find(key(slot));
  if (found->second.empty() && found->second.behind.empty()) seats_.erase(found);
}

}  // namespace flame::runner
