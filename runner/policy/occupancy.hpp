// Which invocation is in which slot: the one place that knows. Pure; who gets which slot is SlotTable's to decide.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "runner/policy/held_objects.hpp"
#include "runner/policy/slot_table.hpp"

namespace flame::runner {

class Occupancy {
 public:
  struct Seat {
    std::uint64_t invocation = 0;       // runs there; 0: none
    LeaseId lease = 0;                  // whose objects live there; 0: none. May be the one that runs
    std::vector<std::uint64_t> behind;  // begin there one after the other, when what runs has ended

    [[nodiscard]] bool empty() const { return invocation == 0 && lease == 0; }
  };

  /// What is in the slot, until the next change.
  [[nodiscard]] const Seat& at(SlotRef slot) const;
  /// Where the invocation runs, has left objects or is behind another one.
  [[nodiscard]] std::optional<SlotRef> find(std::uint64_t invocation) const;
  /// It is behind another one.
  [[nodiscard]] bool is_behind(std::uint64_t invocation) const;
  /// All of them.
  [[nodiscard]] std::vector<std::uint64_t> all() const;

  /// It runs in the slot from now on. Nothing else does.
  void enter(SlotRef slot, std::uint64_t invocation);
  /// What ran in the slot has ended, and its objects stay if it has left some. Returns it; 0: nothing ran.
  std::uint64_t leave(SlotRef slot);
  /// What runs in the slot has left objects there.
  void hold(SlotRef slot);
  /// The slot's objects are gone. Returns whose they were; 0: nobody's.
  LeaseId let_go(SlotRef slot);

  /// It begins in the slot when what runs there, and what is behind that, has ended.
  void queue(SlotRef slot, std::uint64_t invocation);
  /// Nothing runs in the slot any more, and it goes on with the first one behind, which is returned; 0: none is.
  std::uint64_t pass_on(SlotRef slot);
  /// These, which are behind others there, do not begin.
  void revoke(SlotRef slot, const std::vector<std::uint64_t>& invocations);
  /// Nor does any of those behind others, in order.
  [[nodiscard]] std::vector<std::uint64_t> take_behind(SlotRef slot);

 private:
  // A process has far fewer slots.
  [[nodiscard]] static std::uint64_t key(SlotRef slot) { return slot.process << 16 | slot.index; }
  void drop_if_empty(SlotRef slot);

  std::unordered_map<std::uint64_t, Seat> seats_;      // by slot; without empty ones
  std::unordered_map<std::uint64_t, SlotRef> places_;  // by invocation
};

}  // namespace flame::runner
