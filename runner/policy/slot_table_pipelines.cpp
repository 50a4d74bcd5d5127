// SlotTable: brief invocations that share a slot, one behind the other.
#include <algorithm>

#include "plugin_sdk/base/assert.hpp"
#include "runner/policy/slot_table.hpp"
#include "runner/protocol/protocol.hpp"

namespace flame::runner {

// As long as there are fewer pipelines than processors a slot of its own is faster, unless it has to be made first. Who
// waits is overtaken only while a slot is being made for each of them.
bool SlotTable::queue_behind(Generation& generation, std::uint64_t invocation) {
  const std::size_t pipelines = generation.pipelines.size();
  if (pipelines == 0 || generation.waiting.size() > generation.starting) return false;
  if (pipelines < pipelines_max_) {
    const bool none_is_free = generation.best() == generation.free.end();
    if (!none_is_free || pipelines + generation.starting < pipelines_max_) return false;
  }
  const auto shortest = std::min_element(generation.pipelines.begin(), generation.pipelines.end(),
                                         [this](SlotRef a, SlotRef b) { return find(a)->behind < find(b)->behind; });
  Slot& slot = *find(*shortest);
  if (slot.behind >= slot::kPipelinedMax) return false;
  ++slot.behind;
  actions_.emplace_back(QueueBehind{invocation, *shortest});
  return true;
}

void SlotTable::slot_passed(SlotRef slot) {
  Slot* entry = find(slot);
  FLAME_ASSERT(entry != nullptr && entry->behind > 0, "what follows was queued");
  --entry->behind;
  ++entry->calls;
}

void SlotTable::revoked(SlotRef slot, const std::vector<std::uint64_t>& invocations) {
  Slot* entry = find(slot);
  FLAME_ASSERT(entry != nullptr && entry->behind >= invocations.size(), "what is revoked was queued");
  entry->behind -= static_cast<std::uint32_t>(invocations.size());
  Generation& generation = generations_[processes_.at(slot.process).generation];
  generation.end_pipeline(slot);
  wait_again(generation, invocations);
}

void SlotTable::wait_again(Generation& generation, const std::vector<std::uint64_t>& invocations) {
  generation.revoked.insert(generation.revoked.end(), invocations.begin(), invocations.end());
  wake_by(Instant{});
}

// A process may end before its owner has heard of a grant there.
void SlotTable::return_granted(ProcessId id, Generation& generation) {
  std::erase_if(actions_, [&](const SlotAction& action) {
    const auto* grant = std::get_if<GrantSlot>(&action);
    if (grant == nullptr || grant->slot.process != id) return false;
    find(grant->slot)->busy = false;
    wait_again(generation, {grant->invocation});
    return true;
  });
}

void SlotTable::serve_revoked(Generation& generation) {
  generation.waiting.insert(generation.waiting.begin(), generation.revoked.begin(), generation.revoked.end());
  generation.revoked.clear();
  serve_waiting(generation);
}

void SlotTable::Generation::end_pipeline(SlotRef slot) {
  std::erase(pipelines, slot);
}

}  // namespace flame::runner
