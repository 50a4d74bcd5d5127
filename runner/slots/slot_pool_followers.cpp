// SlotPool: invocations that were sent to a slot before it was free, behind a brief one.
#include "runner/policy/task_pace.hpp"
#include "runner/slots/slot_pool.hpp"

namespace flame::runner {
namespace {

// What runs longer than a brief task should, or is not run at all on a busy machine, keeps no others waiting.
constexpr Duration kPatience = TaskPace::kLong;

// More than a channel holds: what an honest slot sent before its present call began is read by then.
constexpr int kReadsToCatchUp = 64;

}  // namespace

void SlotPool::queue_behind(Instant now, const QueueBehind& action) {
  Seat& seat = processes_.at(action.slot.process).seats[action.slot.index];
  if (!seat.slot->takes_followers()) {  // its channel has just been lost, or it has just shown not to be brief
    return table_.taken_back(action.slot, {action.invocation});
  }
  seat.behind.push_back(action.invocation);
  following_[action.invocation] = action.slot;
  if (seat.behind.size() == 1) watch_patience(now, action.slot, seat);
  listener_.on_queued(now, action.invocation, *seat.slot);
}

void SlotPool::watch_patience(Instant now, SlotRef slot, const Seat& seat) {
  patience_.push_back({deadline_after(now, kPatience), slot, seat.invocation});
}

// The slot has gone on by itself.
bool SlotPool::pass_on(Instant now, SlotRef slot, Process& process, Seat& seat) {
  if (seat.behind.empty()) return false;
  const std::uint64_t next = seat.behind.front();
  seat.behind.pop_front();
  following_.erase(next);
  occupy(now, slot, process, seat, next);
  table_.slot_passed(slot, next);
  if (!seat.behind.empty()) watch_patience(now, slot, seat);
  return true;
}

void SlotPool::settle(Instant now, std::uint64_t id) {
  const auto& where = following_.contains(id) ? following_ : by_invocation_;
  const auto found = where.find(id);
  if (found == where.end()) return;
  const SlotRef slot = found->second;
  const auto process = processes_.find(slot.process);
  if (process != processes_.end()) recall(now, slot, process->second.seats[slot.index]);
}

// Those that have begun all the same are heard of: the results of those before the last lie in the channel.
void SlotPool::recall(Instant now, SlotRef slot, Seat& seat) {
  if (seat.behind.empty()) return;
  take_back(slot, seat, seat.slot->recall());
  for (int reads = 0; !seat.behind.empty() && reads < kReadsToCatchUp && seat.slot->open(); ++reads) {
    if (read_channel(now, slot.process, slot.index) == 0) break;
  }
  if (seat.behind.empty() || !seat.slot->open()) return;
  // It would keep calls that nobody can stop.
  Process& process = processes_.at(slot.process);
  process.channel_lost = "the slot says that it runs calls whose predecessors it has not answered";
  kill_now(process);
}

void SlotPool::recall_all(Instant now, ProcessId id, Process& process) {
  for (std::uint32_t i = 0; i < process.seats.size(); ++i) recall(now, {id, i}, process.seats[i]);
}

void SlotPool::take_back(SlotRef slot, Seat& seat, const std::vector<std::uint64_t>& ids) {
  if (ids.empty()) return;
  for (const std::uint64_t id : ids) {
    following_.erase(id);
    std::erase(seat.behind, id);
  }
  table_.taken_back(slot, ids);
}

void SlotPool::recall_from_slow(Instant now) {
  while (!patience_.empty() && now >= patience_.front().due) {
    const Patience last = patience_.front();
    patience_.pop_front();
    const auto process = processes_.find(last.slot.process);
    if (process == processes_.end()) continue;
    Seat& seat = process->second.seats[last.slot.index];
    if (seat.invocation == last.invocation) recall(now, last.slot, seat);
  }
}

}  // namespace flame::runner
