// SlotTable: brief invocations that share a slot, one behind the other.
#include <algorithm>
#include <utility>

#include "plugin_sdk/base/assert.hpp"
#include "runner/slot/protocol.hpp"
#include "runner/slot_table.hpp"

namespace flame::runner {

// As long as there are fewer lanes than processors, a slot of its own is faster.
bool SlotTable::queue_behind(Generation& generation, std::uint64_t invocation) {
  if (generation.lanes.empty() || generation.lanes.size() < lanes_) return false;
  const auto shortest = std::min_element(generation.lanes.begin(), generation.lanes.end(),
                                         [this](SlotRef a, SlotRef b) { return find(a)->behind < find(b)->behind; });
  Slot& slot = *find(*shortest);
  if (slot.behind >= slot::kFollowersMax) return false;
  ++slot.behind;
  actions_.emplace_back(QueueBehind{invocation, *shortest});
  return true;
}

void SlotTable::slot_passed(SlotRef slot, std::uint64_t next) {
  Slot* entry = find(slot);
  FLAME_ASSERT(entry != nullptr && entry->behind > 0, "what follows was queued");
  entry->invocation = next;
  --entry->behind;
  ++entry->calls;
}

void SlotTable::taken_back(SlotRef slot, GenerationId generation, const std::vector<std::uint64_t>& invocations) {
  Generation& entry = generations_[generation];
  if (Slot* left = find(slot)) {
    FLAME_ASSERT(left->behind >= invocations.size(), "what is taken back was queued");
    left->behind -= static_cast<std::uint32_t>(invocations.size());
  }
  end_lane(entry, slot);
  entry.returned.insert(entry.returned.end(), invocations.begin(), invocations.end());
  resumes_ = true;
}

// A process may end before its owner has heard of a grant there.
void SlotTable::return_granted(ProcessId id, Generation& generation) {
  std::erase_if(actions_, [&](const SlotAction& action) {
    const auto* grant = std::get_if<GrantSlot>(&action);
    if (grant == nullptr || grant->slot.process != id) return false;
    generation.returned.push_back(grant->invocation);
    return resumes_ = true;
  });
}

void SlotTable::resume(Instant now) {
  if (!std::exchange(resumes_, false)) return;
  for (auto& [id, generation] : generations_) {
    if (generation.returned.empty()) continue;
    generation.waiting.insert(generation.waiting.begin(), generation.returned.begin(), generation.returned.end());
    generation.returned.clear();
    while (!generation.waiting.empty() && !generation.free.empty()) {
      const std::uint64_t next = generation.waiting.front();
      generation.waiting.pop_front();
      grant(generation, next);
    }
    balance(now, id);
  }
}

void SlotTable::end_lane(Generation& generation, SlotRef slot) {
  std::erase(generation.lanes, slot);
}

}  // namespace flame::runner
