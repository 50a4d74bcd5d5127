// Slots of SlotPool that could not be made or did not start, and those that have long been idle.
#include <utility>

#include "runner/os/log.hpp"
#include "runner/processes/slot_pool.hpp"

namespace flame::runner {

void SlotPool::spawn_failed(Instant now, ProcessId process, slot::MakeFailure failure) {
  const auto found = processes_.find(process);
  if (found == processes_.end()) return;
  const GenerationId generation = found->second.generation;
  const bool unwanted = found->second.unwanted;
  processes_.erase(found);
  if (unwanted) return table_.process_gone(now, process);
  made_none(now, generation, process, std::move(failure));
}

// A shortage is told once: it is tried again and again while it lasts.
void SlotPool::made_none(Instant now, GenerationId generation, ProcessId process, slot::MakeFailure failure) {
  const bool news = start_problems_.insert_or_assign(generation, failure.error.message).second;
  if (news || !failure.shortage) log(LogLevel::warning, "a slot could not be made: " + failure.error.message);
  start_errors_[process] = std::move(failure.error);
  table_.start_failed(now, process, failure.shortage ? StartFailure::shortage : StartFailure::plugin);
}

std::string SlotPool::waits_for(Instant now, GenerationId generation) const {
  const auto shortage = start_problems_.find(generation);
  return shortage != start_problems_.end() ? shortage->second : system_.why_no_slot(now, generation);
}

void SlotPool::trim_slot(SlotRef slot) {
  const auto found = processes_.find(slot.process);
  if (found == processes_.end()) return;
  slot::Slot& idle = *found->second.seats[slot.index].slot;
  if (idle.idle()) idle.trim();
}

// Why none of its slots became ready.
Error SlotPool::describe_start(Process& process, const Remains& remains) {
  if (process.start_error.code != ErrorCode::none) return std::move(process.start_error);
  Death death;
  death.before_ready = true;
  death.started = Started::no;
  death.wait_status = remains.status;
  death.oom_killed = remains.oom_killed;
  for (Seat& seat : process.seats) {
    slot::PostMortem left = seat.slot->post_mortem();
    death.in_start_slot = death.in_start_slot || left.in_start_slot;
    death.allocation_failed = death.allocation_failed || left.allocation_failed;
    if (!death.crash) death.crash = std::move(left.crash);
  }
  if (death.crash) death.where = system_.name_frames(process.generation, std::move(death.crash->frames));
  death.log_tail = process.seats.front().output.log_tail();
  if (process.kill && !process.overdue) death.channel_lost = process.channel_lost;
  return process.overdue
             ? describe_overdue(death.in_start_slot ? "start_slot()" : "start()", start_limit_, death.log_tail)
             : describe_death(death);
}

}  // namespace flame::runner
