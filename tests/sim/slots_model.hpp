// The slots of a simulated runner: the real SlotTable, and a model of the processes that it wants made and killed.
#pragma once

#include <cstdint>
#include <map>
#include <unordered_map>
#include <vector>

#include "runner/slot_table.hpp"
#include "runner/terminator.hpp"
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
};

class SlotsModel {
 public:
  SlotsModel(Context& sim, RunnerPort& runner, const wire::Welcome& welcome, SlotsListener& listener);

  void generation_up(DigestId digest);
  void lease(DigestId digest, CallId call);
  /// It waits for a slot no more (on_died follows at once), or its process is killed.
  void kill(CallId call, runner::StopCause cause);
  /// The call has ended in its slot.
  void freed(CallId call, bool reusable);
  /// The call's process ends by its own fault.
  void crash(CallId call);
  void tick();
  [[nodiscard]] Instant wake_at() const { return table_.wake_at(); }
  [[nodiscard]] bool has_slot(CallId call) const { return seats_.contains(call); }

 private:
  struct Process {
    std::vector<CallId> slots;  // 0: free
    bool dying = false;
  };

  void run_actions();
  void perform(const runner::ForkProcess& fork);
  void perform(const runner::GrantSlot& grant);
  void perform(const runner::KillProcess& kill);
  void perform(const runner::FailWaiting& failed);
  void started(runner::ProcessId id);
  void strike(runner::ProcessId id);
  void reap(runner::ProcessId id);

  Context& sim_;
  RunnerPort& runner_;
  SlotsListener& listener_;
  runner::SlotTable table_;
  std::map<runner::ProcessId, Process> processes_;
  std::unordered_map<CallId, runner::SlotRef> seats_;
  std::unordered_map<CallId, runner::StopCause> causes_;
  bool acting_ = false;
};

}  // namespace flame::sim
