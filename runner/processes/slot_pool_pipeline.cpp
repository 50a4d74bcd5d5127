// SlotPool: invocations that were sent to a slot before it was free, behind a brief one.
#include "runner/processes/slot_pool.hpp"

namespace flame::runner {
namespace {

// More than a channel holds: what an honest slot sent before its present call began is read by then.
constexpr int kReadsToCatchUp = 64;

}  // namespace

void SlotPool::queue_behind(Instant now, const QueueBehind& action) {
  Seat& seat = processes_.at(action.slot.process).seats[action.slot.index];
  if (!seat.slot->takes_pipelined()) {  // its channel has just been lost, or it has just shown not to be brief
    return table_.revoked(action.slot, {action.invocation});
  }
  const Occupancy::Seat& there = occupancy_.at(action.slot);
  if (there.behind.empty()) pipeline_.keeps_waiting(now, action.slot, there.invocation);
  occupancy_.queue(action.slot, action.invocation);
  listeners_.of(action.invocation).on_queued(now, action.invocation, *seat.slot);
}

// The slot has gone on by itself.
bool SlotPool::pass_on(Instant now, SlotRef slot, Process& process, Seat& seat) {
  const std::uint64_t next = occupancy_.pass_on(slot);
  if (next == 0) return false;
  if (!occupancy_.at(slot).behind.empty()) pipeline_.keeps_waiting(now, slot, next);
  begin(now, process, seat, next);
  table_.slot_passed(slot);
  return true;
}

void SlotPool::unpipeline(Instant now, std::uint64_t id) {
  run_actions(now);  // it may have been given a slot in this turn
  const auto slot = occupancy_.find(id);
  Seat* const seat = slot ? seat_at(*slot) : nullptr;
  if (seat != nullptr) revoke(now, *slot, *seat);
}

// Those that have begun all the same are heard of: the results of those before the last lie in the channel.
void SlotPool::revoke(Instant now, SlotRef slot, Seat& seat) {
  const auto nothing_behind = [&] { return occupancy_.at(slot).behind.empty(); };
  if (nothing_behind()) return;
  note_revoked(slot, seat.slot->revoke());
  for (int reads = 0; !nothing_behind() && reads < kReadsToCatchUp && seat.slot->open(); ++reads) {
    if (read_channel(now, slot) == 0) break;
  }
  if (nothing_behind() || !seat.slot->open()) return;
  // It would keep calls that nobody can stop.
  Process& process = processes_.at(slot.process);
  process.channel_lost = "the slot says that it runs calls whose predecessors it has not answered";
  kill_now(process);
}

void SlotPool::revoke_all(Instant now, ProcessId id, Process& process) {
  for (std::uint32_t i = 0; i < process.seats.size(); ++i) revoke(now, {id, i}, process.seats[i]);
}

void SlotPool::note_revoked(SlotRef slot, const std::vector<std::uint64_t>& ids) {
  if (ids.empty()) return;
  occupancy_.revoke(slot, ids);
  table_.revoked(slot, ids);
}

void SlotPool::revoke_from_slow(Instant now) {
  for (const Pipeline::Slow& slow : pipeline_.take_slow(now)) {
    Seat* const seat = seat_at(slow.slot);
    if (seat != nullptr && occupancy_.at(slow.slot).invocation == slow.running) revoke(now, slow.slot, *seat);
  }
}

}  // namespace flame::runner
