// What SlotPool hears from its slots: channel datagrams and output.
#include <algorithm>
#include <utility>

#include "runner/processes/slot_pool.hpp"
#include "runner/slots/printable.hpp"

namespace flame::runner {

void SlotPool::on_channel(Instant now, SlotRef slot) {
  if (seat_at(slot) != nullptr) read_channel(now, slot);
}

void SlotPool::on_writable(SlotRef slot) {
  if (Seat* seat = seat_at(slot)) seat->slot->on_writable();
}

void SlotPool::on_output(Instant now, SlotRef slot) {
  Seat* seat = seat_at(slot);
  if (seat == nullptr) return;
  Process& process = processes_.at(slot.process);
  // What runs after this output's task has to wait until it is read: so it keeps its owner.
  if (!process.threads) revoke(now, slot, *seat);
  drain_output(process, *seat);
}

// Returns how many events there were. The vector is taken out meanwhile, because an event may cause another read.
std::size_t SlotPool::read_channel(Instant now, SlotRef slot) {
  std::vector<slot::SlotEvent> events = std::move(events_);
  events.clear();
  seat_at(slot)->slot->read(events);
  for (slot::SlotEvent& event : events) dispatch(now, slot, event);
  const std::size_t count = events.size();
  events_ = std::move(events);
  return count;
}

void SlotPool::dispatch(Instant now, SlotRef slot, slot::SlotEvent& event) {
  const auto found = processes_.find(slot.process);
  if (found == processes_.end()) return;
  Process& process = found->second;
  Seat& seat = process.seats[slot.index];
  if (auto* result = std::get_if<slot::SlotResult>(&event)) {
    if (!hold(slot, process, seat, *result)) return;
    on_slot_result(now, process, seat, std::move(*result));
  } else if (const auto* ready = std::get_if<slot::SlotReady>(&event)) {
    on_slot_ready(now, slot, *ready);
  } else if (const auto* revoked = std::get_if<slot::SlotRevoked>(&event)) {
    note_revoked(slot, revoked->ids);
  } else if (auto* chunk = std::get_if<slot::SlotResultChunk>(&event)) {
    listeners_.of(chunk->id).on_result_chunk(now, std::move(*chunk));
  } else if (auto* progress = std::get_if<slot::SlotProgress>(&event)) {
    listeners_.of(progress->id).on_progress(now, std::move(*progress));
  } else if (const auto* line = std::get_if<slot::SlotLog>(&event)) {
    seat.output.log(static_cast<wire::Level>(std::clamp(line->level, 0, 3)), line->text, outputs_);
    deliver(outputs_);
  } else if (std::holds_alternative<slot::SlotRoom>(event)) {
    if (const std::uint64_t id = occupancy_.at(slot).invocation; id != 0) listeners_.of(id).on_room(id);
  } else if (auto* ended = std::get_if<slot::SlotChildEnded>(&event)) {
    drain_output(process, seat);
    on_child_ended(now, slot, seat, std::move(*ended));
  } else if (const auto* hello = std::get_if<slot::SlotHello>(&event)) {
    spawned(now, slot.process, hello->pid);
  } else if (const auto* closed = std::get_if<slot::SlotClosed>(&event)) {
    process.channel_lost = closed->reason;
    process.channel_lost_at = now;
    wake_at_ = std::min(wake_at_, now);
    table_.channel_lost(now, slot);
  }
}

void SlotPool::on_slot_result(Instant now, Process& process, Seat& seat, slot::SlotResult result) {
  result.first = !std::exchange(seat.answered, true);
  if (!result.quiet) drain_output(process, seat);
  seat.output.finish(outputs_);
  deliver(outputs_);
  if (result.error.code != ErrorCode::none) {
    result.error.where = system_.name_frames(process.generation, seat.slot->thrown_at(result.id));
  }
  std::string log_tail = result.error.code == ErrorCode::none ? std::string() : seat.output.log_tail();
  SlotListener& listener = listeners_.of(result.id);
  listener.on_result(now, std::move(result), std::move(log_tail));
}

void SlotPool::on_slot_ready(Instant now, SlotRef slot, const slot::SlotReady& ready) {
  Process& process = processes_.at(slot.process);
  Seat& seat = process.seats[slot.index];
  if (!seat.ready && ready.reusable) {
    seat.ready = true;
    start_problems_.erase(process.generation);
    return table_.slot_ready(now, slot);
  }
  if (!seat.ready) {
    process.start_shortage = ready.shortage;
    process.start_error.code = ready.code == ErrorCode::none ? ErrorCode::boot_failed : ready.code;
    process.start_error.message = ready.reason;
    process.start_error.started = Started::no;
    kill_now(process);
    return;  // reaping it tells the table
  }
  if (occupancy_.at(slot).lease != 0) return on_held_ready(now, slot, process, seat, ready);
  const std::uint64_t invocation = occupancy_.leave(slot);
  if (invocation == 0) return;
  discard(ready, invocation);
  if (ready.threads > 0) seat.last = {invocation, listeners_.of(invocation).task_of(invocation)};
  seat.threads.idle(now, ready.threads);
  listeners_.freed(now, invocation);
  if (pass_on(now, slot, process, seat)) {
    if (seat.threads.due(now) && !occupancy_.at(slot).behind.empty()) to_look_at_.push_back(slot);
    return;
  }
  if (!process.threads) seat.output.start(0);
  if (seat.threads.due(now) && seat.threads.insists()) table_.set_aside_next(slot);
  table_.slot_freed(now, slot, ready.reusable && process.stopped_by == 0);
  if (ready.threads > 0) begin_look(now, slot, process, seat);
}

void SlotPool::give_back(Instant now, std::uint64_t id) {
  if (seat_of(id) == nullptr) return;
  const SlotRef slot = *occupancy_.find(id);
  occupancy_.leave(slot);
  listeners_.freed(now, id);
  if (const LeaseId lease = occupancy_.at(slot).lease; lease != 0) {
    table_.slot_held(slot);
    held_.idle(now, lease);
  } else {
    table_.slot_freed(now, slot, true);
  }
  run_actions(now);
}

// Threads share the pipes of their process, which the first of them has.
void SlotPool::drain_output(Process& process, Seat& seat) {
  Seat& owner = process.threads ? process.seats.front() : seat;
  for (const auto& [from, to] :
       {std::pair(slot::OutputStream::out, wire::Stream::out), std::pair(slot::OutputStream::err, wire::Stream::err)}) {
    text_.clear();
    owner.slot->drain(from, text_);
    if (!text_.empty()) owner.output.feed(to, text_, outputs_);
  }
  deliver(outputs_);
}

void SlotPool::report(wire::Output output) {
  if (listeners_.has_own(output.id)) output.id = 0;  // no call's
  reports_.on_output(std::move(output));
}

void SlotPool::deliver(std::vector<wire::Output>& outputs) {
  for (wire::Output& output : outputs) {
    output.text = slot::printable(output.text);
    report(std::move(output));
  }
  outputs.clear();
}

}  // namespace flame::runner
