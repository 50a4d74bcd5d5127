// HostSession: what host/src/transport/session does, without bytes.
#include "tests/sim/host_session.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace flame::sim {

namespace {

// A transfer of the host has the even number of its call, one of a runner the odd one.
std::uint64_t arguments_of(CallId call) {
  return 2 * call;
}

}  // namespace

bool HostSession::cancel(CallId call, wire::CancelReason reason) {
  const auto queued = std::find_if(queue_.begin(), queue_.end(), [&](const Item& item) {
    const auto* invocation = std::get_if<Invocation>(&item);
    return invocation != nullptr && invocation->call == call;
  });
  if (queued != queue_.end()) {
    queue_.erase(queued);
    return true;
  }
  post(wire::Cancel{call, reason});
  return false;
}

void HostSession::post(wire::Body body) {
  if (const auto* reply = std::get_if<wire::RetireReply>(&body); reply != nullptr && !incoming_.empty()) {
    held_.push_back(*reply);
    return;
  }
  queue_.emplace_back(std::move(body));
}

void HostSession::beat() {
  const auto queued = std::find_if(queue_.begin(), queue_.end(), [](const Item& item) {
    const auto* body = std::get_if<wire::Body>(&item);
    return body != nullptr && std::holds_alternative<wire::Beat>(*body);
  });
  if (queued == queue_.end())
    queue_.emplace_front(wire::Body(wire::Beat{echo_}));
  else
    *queued = wire::Body(wire::Beat{echo_});
}

void HostSession::flush() {
  if (sim_.agenda.now() < parked_until_) return;
  while (!queue_.empty()) {
    const Item item = std::move(queue_.front());
    queue_.pop_front();
    if (const auto* invocation = std::get_if<Invocation>(&item))
      put(*invocation);
    else
      link_.send(Side::host, Line::control, {id_, std::get<wire::Body>(item)});
  }
}

void HostSession::put(const Invocation& invocation) {
  wire::Invoke invoke;
  invoke.id = invocation.call;
  invoke.lease = invocation.lease;
  invoke.seq = ++sent_seq_;
  invoke.digest = std::to_string(invocation.digest);
  invoke.remaining_ns = base::to_wire(base::remaining(invocation.deadline, sim_.agenda.now()));
  invoke.attempt = invocation.attempt;
  invoke.linked = invocation.linked;
  if (invocation.large) {
    invoke.payload.transfer = arguments_of(invocation.call);
    unsent_chunks_.push_back({invoke.payload.transfer, 0});
    if (bulk_attached_) attach_bulk();
  }
  link_.send(Side::host, Line::control, {id_, std::move(invoke)});
}

void HostSession::say_last(wire::Body body) {
  queue_.clear();
  post(std::move(body));
  flush();
}

void HostSession::attach_bulk() {
  bulk_attached_ = true;
  for (const wire::Chunk& chunk : std::exchange(unsent_chunks_, {})) link_.send(Side::host, Line::bulk, {id_, chunk});
}

void HostSession::on_message(wire::Body&& body) {
  if (const auto* chunk = std::get_if<wire::Chunk>(&body)) {
    chunks_.insert(chunk->transfer);
    finish_if_whole(chunk->transfer);
  } else if (const auto* begun = std::get_if<wire::Begun>(&body)) {
    sink_.on_event(pool::event::Begun{runner(), begun->id});
  } else if (auto* result = std::get_if<wire::Result>(&body)) {
    on_result(std::move(*result));
  } else if (const auto* ended = std::get_if<wire::Ended>(&body)) {
    on_ended(ended->id);
  }
}

void HostSession::on_result(wire::Result&& result) {
  if (result.error.code != ErrorCode::none) {
    sink_.on_event(pool::event::Result{runner(), result.id, std::move(result.error)});
  } else if (result.payload.transfer != 0) {
    incoming_[result.payload.transfer] = result.id;
    awaited_[result.id] = false;
    left_[result.id] = std::move(result.payload.resources);
    finish_if_whole(result.payload.transfer);
  } else {
    sink_.on_event(pool::event::Result{runner(), result.id, std::nullopt, std::move(result.payload.resources)});
  }
}

// A result whose bytes are still on their way is not a result yet, and Ended must not overtake it.
void HostSession::on_ended(CallId call) {
  const auto awaited = awaited_.find(call);
  if (awaited != awaited_.end())
    awaited->second = true;
  else
    sink_.on_event(pool::event::Ended{runner(), call});
}

void HostSession::finish_if_whole(std::uint64_t transfer) {
  const auto found = incoming_.find(transfer);
  if (found == incoming_.end() || !chunks_.contains(transfer)) return;
  const CallId call = found->second;
  incoming_.erase(found);
  chunks_.erase(transfer);
  const bool ended = awaited_.extract(call).mapped();
  if (incoming_.empty()) {
    queue_.insert(queue_.end(), held_.begin(), held_.end());
    held_.clear();
  }
  sink_.on_event(pool::event::Result{runner(), call, std::nullopt, left_.extract(call).mapped()});
  if (ended) sink_.on_event(pool::event::Ended{runner(), call});
}

}  // namespace flame::sim
