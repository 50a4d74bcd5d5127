// Invocations that were sent to a slot before it was free: behind a brief one, so that no slot has to be woken for
// each. Pure: knows who is behind whom, and for how long the first in line may keep the others waiting.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>
#include <vector>

#include "runner/policy/clock.hpp"
#include "runner/policy/slot_table.hpp"
#include "runner/policy/task_pace.hpp"

namespace flame::runner {

class Pipeline {
 public:
  /// What runs longer than a brief task should, or is not run at all on a busy machine, keeps no others waiting.
  static constexpr Duration kPatience = TaskPace::kLong;

  /// `invocation` was sent to the slot, in which `running` is.
  void add(Instant now, SlotRef slot, std::uint64_t running, std::uint64_t invocation);
  /// What was in the slot has ended, and the slot goes on with this one; nullopt: nothing is behind.
  [[nodiscard]] std::optional<std::uint64_t> pass_on(Instant now, SlotRef slot);
  /// These do not begin there.
  void remove(SlotRef slot, const std::vector<std::uint64_t>& invocations);
  /// The slot is gone; in order.
  [[nodiscard]] std::vector<std::uint64_t> take_all(SlotRef slot);

  [[nodiscard]] bool empty(SlotRef slot) const { return !behind_.contains(key(slot)); }
  /// Where it is behind another one.
  [[nodiscard]] std::optional<SlotRef> slot_of(std::uint64_t invocation) const;
  /// All that are behind others.
  [[nodiscard]] std::vector<std::uint64_t> all() const;

  /// In the slot, `running` keeps others waiting for too long, if it is still there.
  struct Slow {
    SlotRef slot;
    std::uint64_t running;
  };
  [[nodiscard]] std::vector<Slow> take_slow(Instant now);
  [[nodiscard]] Instant wake_at() const { return patience_.empty() ? kNever : patience_.front().due; }

 private:
  struct Patience {
    Instant due;
    Slow slow;
  };
  // A process has far fewer slots.
  [[nodiscard]] static std::uint64_t key(SlotRef slot) { return slot.process << 16 | slot.index; }

  std::unordered_map<std::uint64_t, std::deque<std::uint64_t>> behind_;  // by slot; none is empty
  std::unordered_map<std::uint64_t, SlotRef> slots_;                     // by invocation
  std::deque<Patience> patience_;                                        // in order
};

}  // namespace flame::runner
