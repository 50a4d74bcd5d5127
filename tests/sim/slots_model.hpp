// The slots of a simulated runner: the real SlotTable, and a model of the processes that it wants made and killed.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <unordered_map>
#include <vector>

#include "plugin_sdk/base/limits.hpp"
#include "runner/policy/held_slots.hpp"
#include "runner/policy/slot_table.hpp"
#include "runner/policy/terminator.hpp"
#include "tests/sim/runner_port.hpp"

namespace flame::sim {

/// Hears what becomes of invocations that were given to slots.
class SlotsListener {
 public:
  virtual ~SlotsListener() = default;
  /// Its slot is free for it; or, `dead`, in a process that has just died: on_died() follows.
  virtual void on_granted(CallId call, bool dead) = 0;
  /// Its process was killed or crashed: nothing of it runs any more. on_died() follows when that was noticed.
  virtual void on_struck(CallId call) = 0;
  virtual void on_died(CallId call, runner::StopCause cause) = 0;
  virtual void on_freed(CallId call) = 0;
  /// It has ended but for its objects, for which its slot is kept; later: they are gone.
  virtual void on_held(CallId lease) = 0;
  virtual void on_let_go(CallId lease) = 0;
  /// Its turn in the slot of its object will not come.
  virtual void on_refused(CallId call) = 0;
};

class SlotsModel {
 public:
  SlotsModel(Context& sim, RunnerPort& runner, const wire::Welcome& welcome, SlotsListener& listener);

  void generation_up(DigestId digest);
  /// `brief`: it may be sent to a slot before it is free, behind others.
  void lease(DigestId digest, CallId call, bool brief);
  /// It waits for a slot no more (on_died follows at once), or its process is killed.
  void kill(CallId call, runner::StopCause cause);
  /// The call has ended in its slot.
  void freed(CallId call, bool reusable);
  /// The call's process ends by its own fault.
  void crash(CallId call);
  void tick();
  [[nodiscard]] Instant wake_at() const { return std::min(table_.wake_at(), held_.wake_at()); }
  [[nodiscard]] bool has_slot(CallId call) const { return seats_.contains(call); }

  // --- slots with objects (slots_model_held.cpp)
  void hold(CallId lease, const std::vector<std::uint64_t>& objects);
  [[nodiscard]] runner::HeldSlots::Turn enter(CallId lease, CallId call);
  void release(CallId lease, const std::vector<std::uint64_t>& objects);
  /// Gives the call that is in the slot; 0: none.
  CallId stop_held(CallId lease);
  void child_ended(CallId lease);

 private:
  struct Slot {
    CallId call = 0;  // or the lease; 0: free
    std::vector<CallId> behind;
    CallId inside = 0;  // a call on its objects
    bool reusable = true;
  };
  struct Process {
    std::vector<Slot> slots;
    bool dying = false;
  };

  void run_actions();
  void perform(const runner::ForkProcess& fork);
  void perform(const runner::GrantSlot& grant);
  void perform(const runner::QueueBehind& queue);
  bool pass_on(const runner::SlotRef& slot);
  void take_back(runner::SlotRef slot);
  void perform(const runner::KillProcess& kill);
  void perform(const runner::FailWaiting& failed);
  void perform(const runner::TrimSlot&) {}
  void started(runner::ProcessId id);
  void strike(runner::ProcessId id);
  void reap(runner::ProcessId id);
  [[nodiscard]] Slot& at(const runner::SlotRef& slot) { return processes_.at(slot.process).slots[slot.index]; }
  void vacated(CallId call, const runner::SlotRef& slot, bool reusable);
  bool run_held_actions();
  void perform(const runner::EnterHeld& enter);
  void perform(const runner::RefuseHeld& refuse);
  void perform(const runner::DestroyHeld& destroy);
  void perform(const runner::KillHeld& kill);
  void perform(const runner::FreeHeld& free);
  void bury(CallId call);
  void bury_held(const Slot& slot);

  Context& sim_;
  RunnerPort& runner_;
  SlotsListener& listener_;
  runner::SlotTable table_;
  runner::HeldSlots held_{limits::kKillGrace};
  std::map<runner::ProcessId, Process> processes_;
  std::unordered_map<CallId, runner::SlotRef> seats_;
  std::unordered_map<CallId, runner::SlotRef> followers_;
  std::unordered_map<CallId, runner::StopCause> causes_;
  bool acting_ = false;
};

}  // namespace flame::sim
