// What Calls hears from slots, and what it tells the host about it.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/make_error.hpp"
#include "plugin_sdk/wire/payload_frame.hpp"
#include "runner/calls/calls.hpp"
#include "runner/calls/idle_checks.hpp"
#include "runner/os/log.hpp"

namespace flame::runner {
namespace {

using namespace std::chrono_literals;

// Begun is worth a message only for a call that takes longer than one.
constexpr Duration kBegunDelay = 3ms;
constexpr Duration kProgressInterval = 20ms;
// Behind this much unread output and progress are dropped.
constexpr std::size_t kChatterBacklog = 4 * limits::MiB;
// As much as is given to libzmq before the host has taken some of it.
constexpr std::size_t kBulkBacklog = 2 * limits::MiB;

// Without a copy.
Bytes share(slot::PayloadBuffer buffer) {
  const std::size_t size = buffer.size();
  std::shared_ptr<const std::byte[]> owner(buffer.release());
  const std::byte* data = owner.get();
  return {std::move(owner), data, size};
}

// A bad_alloc that escaped says nothing of what to do. Written here: the slot may have no memory for it.
void add_memory_remedy(Error& error, std::uint64_t kept) {
  if (error.code != ErrorCode::out_of_memory || error.message.find("limits.memory") != std::string::npos) return;
  error.message.insert(0, "The task ran out of memory. " + memory_remedy(kept, "send less") + " ");
}

}  // namespace

slot::InvokeView Calls::view_of(const Call& call) const {
  slot::InvokeView view;
  view.id = call.message.id;
  view.task = call.task->id;
  view.attempt = call.message.attempt;
  view.linked = call.message.linked;
  view.places_child = call.places_child();
  view.object = call.message.object;
  view.resources = call.message.payload.resources;
  view.deadline = call.deadline;
  view.cpu_time_ns = cpu_time_ns_;
  view.parts = call.message.payload.parts;
  view.bytes = call.payload.span();
  view.brief = call.brief;
  return view;
}

void Calls::on_granted(Instant now, std::uint64_t id, slot::Slot& slot) {
  Call& call = calls_.at(id);
  if (const auto sent = slot.invoke(view_of(call)); !sent) {
    answer(id, call, sent.error());
    return pool_.give_back(now, id);
  }
  call.payload = Frame();
  unbegun_.emplace_back(deadline_after(now, kBegunDelay), id);
  feed(id, call);
}

// Its payload stays here: it may have to go to another slot.
void Calls::on_queued(Instant now, std::uint64_t id, slot::Slot& slot) {
  const Call& call = calls_.at(id);
  slot.push(view_of(call));
  unbegun_.emplace_back(deadline_after(now, kBegunDelay), id);
}

void Calls::on_result(Instant now, slot::SlotResult result, std::string log_tail) {
  Call* call = find(result.id);
  if (call == nullptr || call->answered) return;
  pace_.ran(call->task->id, {.time = Duration(result.usage.wall_ns), .quiet = result.quiet, .first = result.first});
  if (call->progress.report) send_progress(now, result.id, *call);
  call->stays = result.error.code == ErrorCode::none && !result.resources.empty() && call->message.lease == 0;
  if (result.error.code == ErrorCode::none) return answer_with_payload(now, result.id, *call, result);
  // It failed of being asked to stop. Its host may think that there is time left: our deadline may be a turn ahead.
  if (result.error.code == ErrorCode::task_failed && now >= call->deadline)
    result.error =
        base::make_error(ErrorCode::timed_out, "The call ran past its deadline; raise its timeout or send less.");
  const slot::Slot* const slot = pool_.slot_of(result.id);
  add_memory_remedy(result.error, slot == nullptr ? 0 : slot->post_mortem().memory_kept);
  result.error.started = Started::yes;
  result.error.usage = result.usage;
  if (result.error.log_tail.empty()) result.error.log_tail = std::move(log_tail);
  answer(result.id, *call, std::move(result.error));
}

void Calls::answer_with_payload(Instant now, std::uint64_t id, Call& call, slot::SlotResult& result) {
  wire::Result message =
      wire::make_result(id, {.parts = std::move(result.parts), .resources = std::move(result.resources)}, result.usage);
  call.answered = true;
  if (result.streamed) {
    call.outgoing = out_.start_stream(result.total);
  } else if (!wire::travels_inline(result.bytes.size())) {
    call.outgoing = out_.start({share(std::move(result.bytes)), {}, {}});
  } else {
    Frame frame(result.bytes.size());
    if (frame.size() > 0) std::memcpy(frame.data(), result.bytes.data(), frame.size());
    return host_.send(message, std::move(frame));
  }
  by_outgoing_[call.outgoing] = id;
  message.payload.transfer = call.outgoing;
  host_.send(message);
  pump(now);
}

void Calls::on_result_chunk(Instant now, slot::SlotResultChunk chunk) {
  Call* call = find(chunk.id);
  if (call == nullptr) return;
  if (call->outgoing != 0) {
    out_.append(call->outgoing, share(std::move(chunk.bytes)));
    return pump(now);
  }
  if (slot::Slot* slot = pool_.slot_of(chunk.id)) slot->acknowledge_chunk();  // an aborted stream runs dry
}

void Calls::pump(Instant now) {
  while (host_.backlog(wire::Line::bulk) < kBulkBacklog) {
    auto chunk = out_.next();
    if (!chunk) return;
    const auto owner = by_outgoing_.find(chunk->header.transfer);
    const std::uint64_t id = owner->second;
    host_.send_bulk(chunk->header, Frame(std::move(chunk->bytes)));
    slot::Slot* const source = chunk->streamed ? pool_.slot_of(id) : nullptr;
    if (source != nullptr) source->acknowledge_chunk();
    if (!chunk->last) continue;
    by_outgoing_.erase(owner);
    if (Call* call = find(id)) call->outgoing = 0;
    forget_if_done(now, id);
  }
}

void Calls::on_progress(Instant now, slot::SlotProgress progress) {
  Call* call = find(progress.id);
  if (call == nullptr || call->answered) return;
  const std::uint64_t id = progress.id;
  call->progress.report = std::move(progress);
  if (now >= call->progress.due) return send_progress(now, id, *call);
  progress_wake_ = std::min(progress_wake_, call->progress.due);
}

void Calls::send_progress(Instant now, std::uint64_t id, Call& call) {
  const auto report = std::exchange(call.progress.report, std::nullopt);
  call.progress.due = deadline_after(now, kProgressInterval);
  if (host_.backlog(wire::Line::control) > kChatterBacklog) return;
  send_begun(id, call);
  host_.send(wire::Progress{.id = id, .fraction = report->fraction, .message = report->message});
}

void Calls::on_output(wire::Output output) {
  if (host_.backlog(wire::Line::control) > kChatterBacklog) {
    dropped_output_ += output.text.size() + 1;
    return;
  }
  output.dropped += std::exchange(dropped_output_, 0);
  host_.send(output);
}

void Calls::on_room(std::uint64_t id) {
  if (Call* call = find(id)) feed(id, *call);
}

void Calls::on_freed(Instant now, std::uint64_t id) {
  if (Call* call = find(id)) end(now, id, *call);
}

void Calls::on_died(Instant now, std::uint64_t id, Error error) {
  Call* call = find(id);
  if (call == nullptr) return;
  drop_transfers(*call, error.message.empty() ? std::string("the slot is gone") : error.message, error);
  const bool stays = call->stays;
  if (!call->answered) answer(id, *call, error);
  end(now, id, *call, stays ? std::move(error) : Error());
}

void Calls::on_discarded(const SlotDiscard& discard) {
  const std::uint64_t id = IdleChecks::owns(discard.invocation) ? 0 : discard.invocation;
  host_.send(wire::SlotDiscarded{.id = id, .reason = static_cast<std::uint8_t>(discard.reason)});
  const auto line = discards_.tell(discard);
  if (!line) return;
  const bool expected = discard.reason == DiscardReason::calls_max;
  log(expected ? LogLevel::info : LogLevel::warning, fmt::format("invocation {}: {}", id, *line));
  on_output(wire::log_line(id, expected ? wire::Level::info : wire::Level::warning, *line));
}

std::string Calls::task_of(std::uint64_t id) const {
  const auto found = calls_.find(id);
  return found == calls_.end() ? std::string() : found->second.task->name;
}

void Calls::answer(std::uint64_t id, Call& call, Error error) {
  if (call.answered) return;
  call.answered = true;
  error.runner = runner_;
  error.plugin = call.plugin;
  if (error.code == ErrorCode::none) {
    error.code = ErrorCode::boot_failed;
    if (error.message.empty()) error.message = "The slot could not be started.";
  }
  host_.send(wire::make_failure(id, std::move(error)));
}

void Calls::end(Instant now, std::uint64_t id, Call& call, Error why) {
  if (call.ended) return;
  call.ended = true;
  if (call.feeding) drop_transfers(call, "the call has ended");
  if (why.code != ErrorCode::none) {
    why.runner = runner_;
    why.plugin = call.plugin;
  }
  host_.send(wire::make_ended(id, std::move(why)));
  forget_if_done(now, id);
}

// A call is over for the runner only when its result has left, too.
void Calls::forget_if_done(Instant now, std::uint64_t id) {
  const auto found = calls_.find(id);
  if (found == calls_.end() || !found->second.ended || found->second.outgoing != 0) return;
  calls_.erase(found);
  terminator_.ended(now, id);
}

void Calls::send_begun(std::uint64_t id, Call& call) {
  if (call.begun || call.answered) return;
  const slot::Slot* slot = pool_.slot_of(id);
  if (slot == nullptr || !slot->begun()) return;
  call.begun = true;
  host_.send(wire::Begun{.id = id});
}

void Calls::tick(Instant now) {
  while (!unbegun_.empty() && now >= unbegun_.front().first) {
    const std::uint64_t id = unbegun_.front().second;
    unbegun_.pop_front();
    Call* call = find(id);
    if (call == nullptr || call->answered || call->begun) continue;
    send_begun(id, *call);
    if (!call->begun) unbegun_.emplace_back(deadline_after(now, kBegunDelay), id);
  }
  if (now < progress_wake_) return;
  progress_wake_ = kNever;
  for (auto& [id, call] : calls_) {
    if (!call.progress.report) continue;
    if (now >= call.progress.due) {
      send_progress(now, id, call);
    } else {
      progress_wake_ = std::min(progress_wake_, call.progress.due);
    }
  }
}

Instant Calls::wake_at() const {
  return std::min(progress_wake_, unbegun_.empty() ? kNever : unbegun_.front().first);
}

}  // namespace flame::runner
