// SlotPool: slots that are discarded, and threads that calls have left in one that is kept.
#include <algorithm>
#include <utility>

#include "runner/processes/slot_pool.hpp"

namespace flame::runner {

// The slot is idle, unless somebody waited for it. A call does not wait for the look, but takes another slot if it can;
// where that has happened too often, another slot is made for it.
void SlotPool::begin_look(Instant now, SlotRef slot, Process& process, Seat& seat) {
  if (seat.threads.due(now) && table_.set_aside(now, slot)) seat.threads.begin(now, system_.cpu_time(process.pid));
  // Another one is being looked at, or the slot has just been taken: not at once again.
  const Instant again = deadline_after(now, ThreadWatch::kWindow);
  wake_at_ = std::min(wake_at_, seat.threads.due(now) ? again : seat.threads.wake_at());
}

void SlotPool::look_at_threads(Instant now, SlotRef slot, Process& process, Seat& seat) {
  if (process.threads || process.kill || !occupancy_.at(slot).empty()) return;
  if (!seat.threads.looking()) return begin_look(now, slot, process, seat);
  if (now < seat.threads.wake_at()) {  // reading its threads' states is not free
    wake_at_ = std::min(wake_at_, seat.threads.wake_at());
    return;
  }
  switch (seat.threads.sample(now, system_.load(process.pid))) {
    case ThreadWatch::Verdict::open:
      break;
    case ThreadWatch::Verdict::quiet:
      table_.put_back(now, slot);
      break;
    case ThreadWatch::Verdict::computing:
      seat.threads.interrupt(now);
      reports_.on_discarded({seat.last.invocation, seat.last.task, DiscardReason::computing_threads,
                             "a thread that it left goes on computing while the slot is idle"});
      return table_.slot_discarded(now, slot);
  }
  wake_at_ = std::min(wake_at_, seat.threads.wake_at());
}

void SlotPool::discard(const slot::SlotReady& ready, std::uint64_t invocation) {
  if (!ready.reusable) {
    reports_.on_discarded({invocation, listeners_.of(invocation).task_of(invocation), ready.discard, ready.reason});
  }
}

// Calls that follow each other leave no time to look.
void SlotPool::revoke_for_looks(Instant now) {
  for (const SlotRef slot : std::exchange(to_look_at_, {})) {
    const auto process = processes_.find(slot.process);
    if (process != processes_.end()) revoke(now, slot, process->second.seats[slot.index]);
  }
}

}  // namespace flame::runner
