// Queues, transfers and frames of one runner.
#include "host/src/transport/session.hpp"

#include <algorithm>
#include <utility>

#include "plugin_sdk/base/clock.hpp"
#include "plugin_sdk/base/make_error.hpp"
#include "plugin_sdk/wire/envelope.hpp"
#include "plugin_sdk/wire/payload_frame.hpp"

namespace flame::pool {
namespace {

constexpr int kChunksPerFlush = 4;

// Of a result whose bytes are not taken: what it left in its slot has to be let go all the same.
detail::Payload only_objects(std::vector<std::uint64_t> objects) {
  return {.table = {}, .attachments = {}, .resources = std::move(objects)};
}

Session::Flushed blocked(Transport::Sent sent) {
  return sent == Transport::Sent::full ? Session::Flushed::parked : Session::Flushed::gone;
}

}  // namespace

void Session::send(std::shared_ptr<RemoteCall> call, Instant deadline, std::uint32_t attempt) {
  control_queue_.emplace_back(Invocation{std::move(call), deadline, attempt});
  have_unsent();
}

void Session::post(wire::Body body) {
  // The runner may leave on this answer, and what is left of its results on the other line would be lost.
  if (const auto* reply = std::get_if<wire::RetireReply>(&body); reply != nullptr && !incoming_.empty()) {
    held_replies_.push_back(*reply);
    return;
  }
  control_queue_.emplace_back(std::move(body));
  have_unsent();
}

void Session::close(std::optional<wire::Body> farewell) {
  if (farewell) {
    control_queue_.clear();
    post(std::move(*farewell));
    static_cast<void>(flush_control(Instant{}));
  }
  closed_ = true;
}

void Session::attach_bulk(PeerId peer) {
  bulk_ = peer;
  have_unsent();  // what has waited for it
}

void Session::have_unsent() {
  if (!closed_ && !std::exchange(unsent_, true)) around_.unsent.push_back(this);
}

void Session::beat() {
  const auto queued = std::find_if(control_queue_.begin(), control_queue_.end(), [](const Item& item) {
    const auto* body = std::get_if<wire::Body>(&item);
    return body != nullptr && std::holds_alternative<wire::Beat>(*body);
  });
  if (queued == control_queue_.end()) {
    control_queue_.emplace_front(wire::Body(wire::Beat{.seq = echo_}));  // it must not wait behind payloads
  } else {
    *queued = wire::Body(wire::Beat{.seq = echo_});
  }
  have_unsent();
}

bool Session::withdraw(CallId call) {
  const auto queued = std::find_if(control_queue_.begin(), control_queue_.end(), [&](const Item& item) {
    const auto* invocation = std::get_if<Invocation>(&item);
    return invocation != nullptr && invocation->call->id() == call;
  });
  if (queued == control_queue_.end()) return false;
  control_queue_.erase(queued);
  return true;
}

bool Session::cancel(CallId call, wire::CancelReason reason) {
  if (withdraw(call)) return true;
  if (const auto transfer = outgoing_.find(call); transfer != outgoing_.end()) {
    if (sender_.abort(transfer->second)) {
      drop_chunk(transfer->second);
      bulk_queue_.emplace_back(wire::make_abort(transfer->second, "the call was cancelled"));
    }
    outgoing_.erase(transfer);
  }
  post(wire::Cancel{.id = call, .reason = reason});
  return false;
}

Session::Flushed Session::flush(Instant now) {
  unsent_ = false;
  const Flushed flushed = flush_both(now);
  if (flushed == Flushed::parked || flushed == Flushed::more) have_unsent();
  return flushed;
}

Session::Flushed Session::flush_both(Instant now) {
  const Flushed control = flush_control(now);
  if (control == Flushed::gone || !bulk_) return control;
  const Flushed bulk = flush_bulk();
  return bulk == Flushed::done ? control : bulk;
}

Session::Flushed Session::flush_control(Instant now) {
  while (!control_queue_.empty()) {
    const bool several =
        control_queue_.size() > 1 && travels_in_batch(control_queue_[0]) && travels_in_batch(control_queue_[1]);
    const Transport::Sent sent = several ? put_batch(now) : put_first(now);
    if (sent != Transport::Sent::ok) return blocked(sent);
  }
  return Flushed::done;
}

Transport::Sent Session::put_first(Instant now) {
  const Item& item = control_queue_.front();
  const auto* invocation = std::get_if<Invocation>(&item);
  const Transport::Sent sent =
      invocation != nullptr
          ? put_invocation(*invocation, now)
          : around_.transport.send(info_.control, wire::encode(info_.id, std::get<wire::Body>(item)), nullptr);
  if (sent == Transport::Sent::ok) control_queue_.pop_front();
  return sent;
}

bool Session::travels_in_batch(const Item& item) const {
  if (const auto* invocation = std::get_if<Invocation>(&item)) {
    return invocation->call->record.wire_bytes <= limits::kBatchBytesMax / 2;
  }
  const auto& body = std::get<wire::Body>(item);
  return !std::holds_alternative<wire::Welcome>(body) && !std::holds_alternative<wire::Refuse>(body);
}

// As many messages from the front of the queue as fit.
Transport::Sent Session::put_batch(Instant now) {
  batch_.clear();
  std::size_t taken = 0;
  std::uint64_t seq = sent_seq_;
  for (; taken < control_queue_.size() && travels_in_batch(control_queue_[taken]); ++taken) {
    const Item& item = control_queue_[taken];
    if (const auto* invocation = std::get_if<Invocation>(&item)) {
      wire::encode_into(envelope_, info_.id, make_invoke(*invocation, seq + 1, now));
      if (!batch_.add(envelope_, wire::pack(invocation->call->record.arguments))) break;
      ++seq;
    } else {
      wire::encode_into(envelope_, info_.id, std::get<wire::Body>(item));
      if (!batch_.add(envelope_, {})) break;
    }
  }
  if (taken == 0) return put_first(now);
  const Bytes frame(batch_.bytes().data(), batch_.bytes().size());
  const Transport::Sent sent = around_.transport.send(info_.control, wire::encode(info_.id, batch_.header()), &frame);
  if (sent == Transport::Sent::ok) {
    control_queue_.erase(control_queue_.begin(), control_queue_.begin() + static_cast<std::ptrdiff_t>(taken));
    sent_seq_ = seq;
  }
  return sent;
}

wire::Invoke Session::make_invoke(const Invocation& invocation, std::uint64_t seq, Instant now) const {
  wire::Invoke invoke = invocation.call->record.invoke;
  invoke.seq = seq;
  invoke.remaining_ns = base::to_wire(base::remaining(invocation.deadline, now));
  invoke.attempt = invocation.attempt;
  return invoke;
}

Transport::Sent Session::put_invocation(const Invocation& invocation, Instant now) {
  const CallRecord& call = invocation.call->record;
  wire::Invoke invoke = make_invoke(invocation, sent_seq_ + 1, now);
  const bool fits = wire::travels_inline(call.wire_bytes);
  if (!fits) invoke.payload.transfer = sender_.start(call.arguments);
  const Bytes frame = fits && call.wire_bytes > 0 ? Bytes(wire::pack(call.arguments)) : Bytes();
  const Transport::Sent sent =
      around_.transport.send(info_.control, wire::encode(info_.id, invoke), frame.empty() ? nullptr : &frame);
  if (sent == Transport::Sent::ok) {
    ++sent_seq_;
    if (!fits) outgoing_[invoke.id] = invoke.payload.transfer;
  } else if (!fits) {
    sender_.abort(invoke.payload.transfer);
  }
  return sent;
}

Session::Flushed Session::flush_bulk() {
  while (!bulk_queue_.empty()) {
    const auto sent = around_.transport.send(*bulk_, wire::encode(info_.id, bulk_queue_.front()), nullptr);
    if (sent != Transport::Sent::ok) return blocked(sent);
    bulk_queue_.pop_front();
  }
  for (int chunks = 0; chunks < kChunksPerFlush; ++chunks) {
    if (!next_chunk()) return Flushed::done;
    const auto sent = around_.transport.send(*bulk_, wire::encode(info_.id, chunk_->header), &chunk_->bytes);
    if (sent != Transport::Sent::ok) return blocked(sent);
    chunk_.reset();
  }
  return chunk_ || sender_.ready() ? Flushed::more : Flushed::done;
}

bool Session::next_chunk() {
  if (!chunk_) chunk_ = sender_.next();
  return chunk_.has_value();
}

void Session::drop_chunk(std::uint64_t transfer) {
  if (chunk_ && chunk_->header.transfer == transfer) chunk_.reset();
}

Result<void> Session::on_message(wire::Body&& body, std::span<const std::byte> payload, Instant now) {
  have_unsent();  // an answer, or chunks that a Credit lets go
  if (auto* chunk = std::get_if<wire::Chunk>(&body)) {
    on_transfer_progress(receiver_.on_chunk(*chunk, payload), now);
  } else if (auto* begun = std::get_if<wire::Begun>(&body)) {
    around_.events.on_begun(info_.runner, begun->id, now);
  } else if (auto* result = std::get_if<wire::Result>(&body)) {
    return on_result(std::move(*result), payload, now);
  } else if (auto* ended = std::get_if<wire::Ended>(&body)) {
    on_ended(std::move(*ended), now);
  } else if (auto* output = std::get_if<wire::Output>(&body)) {
    around_.events.on_output(info_.runner, *output);
  } else if (auto* progress = std::get_if<wire::Progress>(&body)) {
    around_.events.on_progress(info_.runner, *progress);
  } else if (auto* credit = std::get_if<wire::Credit>(&body)) {
    return sender_.on_credit(*credit);
  } else if (auto* abort = std::get_if<wire::Abort>(&body)) {
    on_abort(std::move(*abort), now);
  }
  return {};
}

void Session::on_unsupported(const wire::Unsupported& answer, Instant now) {
  have_unsent();  // arguments on their way are aborted
  around_.events.on_result(
      info_.runner, answer.id,
      base::refusal(ErrorCode::incompatible, "the runner does not know this kind of call (" + answer.what +
                                                 "): deploy the flame-runner of this release"),
      {}, now);
  on_ended(wire::make_ended(answer.id), now);
}

Result<void> Session::on_result(wire::Result&& result, std::span<const std::byte> payload, Instant now) {
  if (result.error.code != ErrorCode::none) {
    result.error.usage = result.usage;
    around_.events.on_result(info_.runner, result.id, std::move(result.error), {}, now);
    return {};
  }
  if (result.payload.transfer != 0) {
    if (incoming_.contains(result.payload.transfer) || awaited_.contains(result.id)) {
      return base::make_error(ErrorCode::incompatible, "a second result while the first one's transfer is under way");
    }
    incoming_[result.payload.transfer] = result.id;
    awaited_[result.id] = {result.payload.resources, std::nullopt};
    if (auto early = early_aborts_.extract(result.payload.transfer)) {
      finish_transfer(result.payload.transfer, std::move(early.mapped()), {}, now);
      return {};
    }
    on_transfer_progress(receiver_.announce(result.payload, info_.payload_max), now);
    return {};
  }
  auto unpacked = wire::unpack(result.payload, payload, info_.payload_max);
  if (unpacked.has_error()) {
    const bool too_large = unpacked.error().code == ErrorCode::too_large;
    around_.events.on_result(info_.runner, result.id, unpacked.error(),
                             only_objects(std::move(result.payload.resources)), now);
    return too_large ? Result<void>() : Result<void>(unpacked.error());
  }
  around_.events.on_result(info_.runner, result.id, std::nullopt, std::move(*unpacked), now);
  return {};
}

// A result whose bytes are still on their way is not a result yet, and Ended must not overtake it.
void Session::on_ended(wire::Ended&& ended, Instant now) {
  if (const auto transfer = outgoing_.extract(ended.id); transfer && sender_.abort(transfer.mapped())) {
    drop_chunk(transfer.mapped());
    bulk_queue_.emplace_back(wire::make_abort(transfer.mapped(), "the call has ended"));
  }
  if (const auto awaited = awaited_.find(ended.id); awaited != awaited_.end()) {
    awaited->second.ended = std::move(ended);
  } else {
    report_ended(std::move(ended), now);
  }
}

void Session::report_ended(wire::Ended&& ended, Instant now) {
  std::optional<Error> why;
  if (ended.error.code != ErrorCode::none) why = std::move(ended.error);
  around_.events.on_ended(info_.runner, ended.id, std::move(why), now);
}

// Either of our arguments (the runner does not want the rest) or of one of its results.
void Session::on_abort(wire::Abort&& abort, Instant now) {
  sender_.abort(abort.transfer);
  drop_chunk(abort.transfer);
  receiver_.abort(abort.transfer);
  Error why = std::move(abort.error);
  if (why.code == ErrorCode::none) {
    why.code = ErrorCode::crashed;
    why.message = std::move(abort.reason);
  }
  why.message.insert(0, "The result was not sent to the end. ");
  why.started = Started::yes;
  if (!incoming_.contains(abort.transfer)) return remember_abort(abort.transfer, std::move(why));
  finish_transfer(abort.transfer, std::move(why), {}, now);
}

// The end of a result may overtake its announcement, which comes on the other connection.
void Session::remember_abort(std::uint64_t transfer, Error why) {
  early_aborts_.insert_or_assign(transfer, std::move(why));
  if (early_aborts_.size() > limits::kUnannouncedMax) early_aborts_.erase(early_aborts_.begin());
}

void Session::on_transfer_progress(wire::BulkReceiver::Step&& step, Instant now) {
  if (step.credit) bulk_queue_.emplace_back(*step.credit);
  if (step.abort) {
    const std::string reason = step.abort->reason;
    bulk_queue_.emplace_back(std::move(*step.abort));
    finish_transfer(
        step.transfer,
        Error{.code = ErrorCode::too_large, .message = "the result was refused: " + reason, .started = Started::yes},
        {}, now);
  }
  if (step.complete) finish_transfer(step.transfer, std::nullopt, std::move(*step.complete), now);
}

void Session::finish_transfer(std::uint64_t transfer, std::optional<Error> error, detail::Payload payload,
                              Instant now) {
  const auto found = incoming_.find(transfer);
  if (found == incoming_.end()) return;
  const CallId call = found->second;
  incoming_.erase(found);
  Awaited awaited = std::move(awaited_.extract(call).mapped());
  if (error) payload = only_objects(std::move(awaited.objects));
  if (incoming_.empty()) {
    control_queue_.insert(control_queue_.end(), held_replies_.begin(), held_replies_.end());
    held_replies_.clear();
  }
  around_.events.on_result(info_.runner, call, std::move(error), std::move(payload), now);
  if (awaited.ended) report_ended(std::move(*awaited.ended), now);
}

}  // namespace flame::pool
