// See calls.hpp. What comes from the host and the terminator; what comes from slots is in calls_results.cpp.
#include "runner/calls/calls.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/make_error.hpp"
#include "plugin_sdk/wire/payload_frame.hpp"
#include "runner/calls/idle_checks.hpp"
#include "runner/os/log.hpp"

namespace flame::runner {
Calls::Calls(std::string runner, const wire::Welcome& welcome, const Around& around)
    : runner_(std::move(runner)),
      host_(around.host),
      terminator_(around.terminator),
      plugins_(around.plugins),
      pool_(around.pool),
      payload_max_(welcome.payload_max == 0 ? limits::kPayloadMaxDefault : welcome.payload_max),
      cpu_time_ns_(welcome.cpu_time_ns) {}

Calls::Call* Calls::find(std::uint64_t id) {
  const auto found = calls_.find(id);
  return found == calls_.end() ? nullptr : &found->second;
}

void Calls::invoke(Instant now, wire::Invoke& message, Frame& payload) {
  const std::uint64_t id = message.id;
  if (id == 0 || IdleChecks::owns(id) || calls_.contains(id)) {
    return log(LogLevel::warning, fmt::format("an invocation with an id in use was ignored: {}", id));
  }
  if (!terminator_.invoked(now, message)) {
    refuse_transfer(message.payload.transfer);
    return reject(id, base::refusal(ErrorCode::shutting_down, "The runner is ending and takes no more calls."), {});
  }
  Call& call = calls_[id];
  call.deadline = deadline_after(now, base::from_wire(message.remaining_ns));
  call.message = std::move(message);
  Error error = refuse(call, payload);
  if (error.code == ErrorCode::none && call.message.payload.transfer != 0) error = accept_transfer(call);
  if (error.code != ErrorCode::none) {
    if (!call.feeding) refuse_transfer(call.message.payload.transfer);
    answer(id, call, std::move(error));
    end(now, id, call);
    return;
  }
  call.payload = std::move(payload);
  call.brief = may_be_pipelined(call);
  start(now, id, call);
}

Error Calls::refuse(Call& call, const Frame& payload) const {
  const auto generation = plugins_.find(call.message.digest);
  if (!generation) {
    return base::refusal(ErrorCode::not_found, fmt::format("this runner has no plugin with digest {}. It has: {}.",
                                                           call.message.digest.substr(0, 64), plugins_.describe_all()));
  }
  call.generation = *generation;
  call.plugin = plugins_.name(*generation);
  if (const Error& problem = plugins_.problem(*generation); problem.code != ErrorCode::none) return problem;
  const auto manifest = plugins_.manifest(*generation);
  call.task = {manifest, manifest->find(call.message.task)};
  if (call.task == nullptr) {
    return base::refusal(ErrorCode::incompatible,
                         fmt::format("{} has no task of number {:016x}, though host and runner have it by one digest. "
                                     "Update both to one version of FLAME.",
                                     call.plugin, call.message.task));
  }
  if (Error problem = check_kind(call); problem.code != ErrorCode::none) return problem;
  const auto total = wire::check(call.message.payload, payload_max_);
  if (!total) return total.error();
  call.total = *total;
  if (call.message.payload.parts.empty()) call.message.payload.parts = {0};
  if (call.message.payload.transfer == 0 && payload.size() != call.total) {
    return base::refusal(ErrorCode::incompatible, fmt::format("the invocation announces {} bytes of payload, {} came",
                                                              call.total, payload.size()));
  }
  return {};
}

// What a slot cannot refuse, takes no objects and leaves none, and is known not to take long.
bool Calls::may_be_pipelined(const Call& call) const {
  const wire::Invoke& message = call.message;
  const bool small = message.payload.transfer == 0 && call.total <= slot::kInlineMax &&
                     message.payload.parts.size() <= slot::kPartsMax;
  return small && message.lease == 0 && !call.places_child() && pace_.brief(call.task->id);
}

Error Calls::accept_transfer(Call& call) {
  const std::uint64_t transfer = call.message.payload.transfer;
  if (call.total == 0) return base::refusal(ErrorCode::incompatible, "a transfer of no bytes was announced");
  const auto credit = in_.announce(transfer, call.total);
  if (!credit) return credit.error();
  call.feeding = true;
  by_transfer_[transfer] = call.message.id;
  if (*credit > 0) host_.send_bulk(wire::Credit{.transfer = transfer, .bytes = *credit});
  return {};
}

// What of a payload has come already would be kept for ever, and the host would wait for credit.
void Calls::refuse_transfer(std::uint64_t transfer) {
  if (transfer == 0 || by_transfer_.contains(transfer)) return;
  in_.close(transfer);
  host_.send_bulk(wire::make_abort(transfer, "the call was refused"));
}

// An invocation that was never taken up.
void Calls::reject(std::uint64_t id, Error error, const std::string& plugin) {
  error.runner = runner_;
  error.plugin = plugin;
  host_.send(wire::make_failure(id, std::move(error)));
  host_.send(wire::make_ended(id));
}

void Calls::chunk(Instant now, const wire::Chunk& chunk, Frame& bytes) {
  const auto taken = in_.on_chunk(chunk, std::move(bytes).into_bytes());
  const auto owner = by_transfer_.find(chunk.transfer);
  if (!taken) {
    log(LogLevel::warning, fmt::format("transfer {} is aborted: {}", chunk.transfer, taken.error().message));
    host_.send_bulk(wire::make_abort(chunk.transfer, taken.error().message));
    in_.close(chunk.transfer);
    if (owner != by_transfer_.end()) {
      const std::uint64_t id = owner->second;
      Call& call = calls_.at(id);
      if (!withdraw(now, id, call,
                    base::refusal(ErrorCode::incompatible, "the payload's transfer broke the protocol"))) {
        pool_.kill(now, id, StopCause::cancelled);
      }
    }
    return;
  }
  if (owner != by_transfer_.end()) feed(owner->second, calls_.at(owner->second));
}

// Moves what has come into the slot, as far as it takes it.
void Calls::feed(std::uint64_t id, Call& call) {
  slot::Slot* slot = pool_.slot_of(id);
  if (slot == nullptr || !call.feeding) return;
  const std::uint64_t transfer = call.message.payload.transfer;
  std::uint64_t credit = 0;
  for (auto bytes = in_.front(transfer); !bytes.empty(); bytes = in_.front(transfer)) {
    const std::size_t taken = slot->feed(bytes);
    credit += in_.consume(transfer, taken);
    if (taken < bytes.size()) break;
  }
  if (credit > 0) host_.send_bulk(wire::Credit{.transfer = transfer, .bytes = credit});
  if (slot->missing_bytes() == 0) {
    call.feeding = false;
    by_transfer_.erase(transfer);
    in_.close(transfer);
  }
}

void Calls::credit(Instant now, const wire::Credit& credit) {
  if (out_.on_credit(credit)) return pump(now);
  log(LogLevel::warning, fmt::format("the host credits more of transfer {} than was sent", credit.transfer));
  abort(now, wire::make_abort(credit.transfer, "too much credit"));
}

void Calls::abort(Instant now, const wire::Abort& message) {
  if (const auto owner = by_transfer_.find(message.transfer); owner != by_transfer_.end()) {
    return stop(now, owner->second, StopCause::cancelled);
  }
  const auto outgoing = by_outgoing_.extract(message.transfer);
  if (!outgoing) {
    in_.close(message.transfer);  // it overtook the Invoke that names it, or is late
    return;
  }
  out_.abort(message.transfer);
  const std::uint64_t id = outgoing.mapped();
  Call* call = find(id);
  if (call == nullptr) return;
  call->outgoing = 0;
  // A slot that still streams has nobody to stream to.
  if (!call->ended) return pool_.kill(now, id, StopCause::cancelled);
  forget_if_done(now, id);
}

void Calls::stop(Instant now, std::uint64_t id, StopCause cause) {
  pool_.unpipeline(now, id);
  Call* call = find(id);
  if (call == nullptr) return;
  if (call->stays) return pool_.stop_held(now, id, cause);
  slot::Slot* slot = pool_.slot_of(id);
  if (slot == nullptr) return pool_.kill(now, id, cause);  // it waits, or has ended and only its result is on the way
  Death death;
  death.cause = cause;
  death.started = Started::no;
  if (withdraw(now, id, *call, describe_death(death))) return;
  send_begun(id, *call);
  slot->request_stop();
}

// Ends a call whose payload is not in the slot yet, if the slot has not been told of it.
bool Calls::withdraw(Instant now, std::uint64_t id, Call& call, const Error& error) {
  slot::Slot* slot = pool_.slot_of(id);
  if (slot != nullptr && (!call.feeding || !slot->withdraw())) return false;
  answer(id, call, error);
  if (slot != nullptr) {
    pool_.give_back(now, id);
  } else {
    pool_.kill(now, id, StopCause::cancelled);
  }
  return true;
}

void Calls::kill(Instant now, std::uint64_t id, StopCause cause) {
  Call* call = find(id);
  if (call == nullptr) return;
  if (!call->ended) return pool_.kill(now, id, cause);
  drop_transfers(*call, "the runner ends");
  forget_if_done(now, id);
}

void Calls::drop_transfers(Call& call, const std::string& reason, const Error& death) {
  if (call.feeding) {
    const std::uint64_t transfer = call.message.payload.transfer;
    call.feeding = false;
    by_transfer_.erase(transfer);
    if (in_.close(transfer)) host_.send_bulk(wire::make_abort(transfer, reason));
  }
  if (call.outgoing != 0) {
    out_.abort(call.outgoing);
    by_outgoing_.erase(call.outgoing);
    wire::Abort lost = wire::make_abort(call.outgoing, reason, death);
    lost.error.runner = runner_;
    lost.error.plugin = call.plugin;
    host_.send_bulk(std::move(lost));
    call.outgoing = 0;
  }
}

}  // namespace flame::runner
