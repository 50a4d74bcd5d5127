// What SlotPool hears from its slots: channel datagrams and output.
#include <algorithm>
#include <utility>

#include "runner/slots/printable.hpp"
#include "runner/slots/slot_pool.hpp"

namespace flame::runner {

void SlotPool::on_ready(Instant now, const Poller::Ready& ready) {
  const auto found = processes_.find(ready.key.id);
  if (found == processes_.end() || ready.key.index >= found->second.seats.size()) return;
  Process& process = found->second;
  Seat& seat = process.seats[ready.key.index];
  if (ready.key.source != Source::slot_channel) {
    // What runs after this output's task has to wait until it is read: so it keeps its owner.
    if (!process.threads) recall(now, {ready.key.id, ready.key.index}, seat);
    return drain_output(process, seat);
  }
  if (ready.writable) seat.handle->on_writable();
  if (ready.readable) read_channel(now, ready.key.id, ready.key.index);
  watch_writable({ready.key.id, ready.key.index});
}

void SlotPool::watch_writable(SlotRef slot) {
  const auto found = processes_.find(slot.process);
  if (found == processes_.end()) return;
  Seat& seat = found->second.seats[slot.index];
  const bool wants = seat.handle->wants_write();
  if (wants == seat.watches_writable) return;
  const Key key{Source::slot_channel, static_cast<std::uint16_t>(slot.index), slot.process};
  poller_.watch_writable(seat.handle->channel_fd(), key, wants);
  seat.watches_writable = wants;
}

// Returns how many events there were. The vector is taken out meanwhile, because an event may cause another read.
std::size_t SlotPool::read_channel(Instant now, ProcessId id, std::uint16_t index) {
  std::vector<slot::SlotEvent> events = std::move(events_);
  events.clear();
  processes_.at(id).seats[index].handle->on_readable(events);
  for (slot::SlotEvent& event : events) dispatch(now, id, index, event);
  const std::size_t count = events.size();
  events_ = std::move(events);
  return count;
}

void SlotPool::dispatch(Instant now, ProcessId id, std::uint16_t index, slot::SlotEvent& event) {
  const auto found = processes_.find(id);
  if (found == processes_.end()) return;
  Process& process = found->second;
  Seat& seat = process.seats[index];
  if (auto* result = std::get_if<slot::SlotResult>(&event)) {
    if (!hold(id, seat, *result)) return;
    on_slot_result(now, process, seat, std::move(*result));
  } else if (const auto* ready = std::get_if<slot::SlotReady>(&event)) {
    on_slot_ready(now, id, index, *ready);
  } else if (const auto* recalled = std::get_if<slot::SlotRecalled>(&event)) {
    take_back({id, index}, seat, recalled->ids);
  } else if (auto* chunk = std::get_if<slot::SlotResultChunk>(&event)) {
    listener_.on_result_chunk(now, std::move(*chunk));
  } else if (auto* progress = std::get_if<slot::SlotProgress>(&event)) {
    listener_.on_progress(now, std::move(*progress));
  } else if (const auto* line = std::get_if<slot::SlotLog>(&event)) {
    seat.output.log(static_cast<wire::Level>(std::clamp(line->level, 0, 3)), line->text, outputs_);
    deliver(outputs_);
  } else if (std::holds_alternative<slot::SlotRoom>(event)) {
    if (seat.invocation != 0) listener_.on_room(seat.invocation);
  } else if (auto* ended = std::get_if<slot::SlotChildEnded>(&event)) {
    drain_output(process, seat);
    on_child_ended(now, seat, std::move(*ended));
  } else if (const auto* hello = std::get_if<slot::SlotHello>(&event)) {
    claim(now, id, hello->pid);
  } else if (const auto* closed = std::get_if<slot::SlotClosed>(&event)) {
    process.channel_lost = closed->reason;
    process.channel_lost_at = now;
    wake_at_ = std::min(wake_at_, process.channel_lost_at);
    table_.channel_lost(process.channel_lost_at, {id, index});
  }
}

void SlotPool::on_slot_result(Instant now, Process& process, Seat& seat, slot::SlotResult result) {
  if (!result.quiet) drain_output(process, seat);
  seat.output.finish(outputs_);
  deliver(outputs_);
  if (result.error.code != ErrorCode::none) {
    result.error.where = name_frames(process.generation, seat.handle->thrown_at(result.id));
  }
  std::string log_tail = result.error.code == ErrorCode::none ? std::string() : seat.output.log_tail();
  listener_.on_result(now, std::move(result), std::move(log_tail));
}

void SlotPool::on_slot_ready(Instant now, ProcessId id, std::uint16_t index, const slot::SlotReady& ready) {
  Process& process = processes_.at(id);
  Seat& seat = process.seats[index];
  if (!seat.ready && ready.reusable) {
    seat.ready = true;
    start_problems_.erase(process.generation);
    return table_.slot_ready(now, {id, index});
  }
  if (!seat.ready) {
    process.start_shortage = ready.shortage;
    process.start_error.code = ready.code == ErrorCode::none ? ErrorCode::boot_failed : ready.code;
    process.start_error.message = ready.reason;
    process.start_error.started = Started::no;
    kill_now(process);
    return;  // reaping it tells the table
  }
  if (seat.held.lease != 0) return on_held_ready(now, {id, index}, process, seat, ready);
  const std::uint64_t invocation = std::exchange(seat.invocation, 0);
  if (invocation == 0) return;
  by_invocation_.erase(invocation);
  discard(ready, invocation);
  if (ready.threads > 0) seat.last = {invocation, listener_.task_of(invocation)};
  seat.threads.idle(now, ready.threads);
  listener_.on_freed(now, invocation);
  if (pass_on(now, {id, index}, process, seat)) {
    if (seat.threads.due(now) && !seat.behind.empty()) to_look_at_.push_back({id, index});
    return;
  }
  if (!process.threads) seat.output.start(0);
  if (seat.threads.due(now) && seat.threads.insists()) table_.set_aside_next({id, index});
  table_.slot_freed(now, {id, index}, ready.reusable && process.stopped_by == 0);
  if (ready.threads > 0) begin_look(now, {id, index}, process, seat);
}

void SlotPool::give_back(Instant now, std::uint64_t id) {
  const auto found = by_invocation_.find(id);
  if (found == by_invocation_.end()) return;
  const SlotRef slot = found->second;
  Seat* seat = seat_of(id);
  if (seat != nullptr) seat->invocation = 0;
  by_invocation_.erase(found);
  listener_.on_freed(now, id);
  if (seat != nullptr && seat->held.lease != 0) {
    table_.slot_held(slot);
    held_.idle(now, seat->held.lease);
  } else {
    table_.slot_freed(now, slot, true);
  }
  run_actions(now);
}

// Threads share the pipes of their process, which the first of them has.
void SlotPool::drain_output(Process& process, Seat& seat) {
  Seat& owner = process.threads ? process.seats.front() : seat;
  for (const wire::Stream stream : {wire::Stream::out, wire::Stream::err}) {
    text_.clear();
    if (stream == wire::Stream::out) {
      owner.handle->drain_out(text_);
    } else {
      owner.handle->drain_err(text_);
    }
    if (!text_.empty()) owner.output.feed(stream, text_, outputs_);
  }
  deliver(outputs_);
}

void SlotPool::deliver(std::vector<wire::Output>& outputs) {
  for (wire::Output& output : outputs) {
    output.text = slot::printable(output.text);
    listener_.on_output(std::move(output));
  }
  outputs.clear();
}

}  // namespace flame::runner
