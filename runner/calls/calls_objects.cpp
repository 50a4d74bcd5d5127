// Calls: objects that stay in their slots, and the invocations that go there.
#include <fmt/format.h>

#include <utility>

#include "plugin_sdk/base/make_error.hpp"
#include "runner/calls/calls.hpp"

namespace flame::runner {
namespace {

Error no_such_lease() {
  return base::refusal(ErrorCode::runner_lost, "The object no longer exists on its runner. Make it again.");
}

}  // namespace

// Code none if the invocation fits what it calls.
Error Calls::check_kind(const Call& call) const {
  const wire::Invoke& message = call.message;
  const manifest::TaskKind kind = call.task->kind;
  if ((kind == manifest::TaskKind::method) != (message.object != 0)) {
    return base::refusal(ErrorCode::invalid_argument,
                         fmt::format("{} {}", call.task->name,
                                     message.object == 0 ? "is a method and needs the object it is called on"
                                                         : "is a task and cannot be called on an object"));
  }
  if (message.lease == 0 && (message.object != 0 || !message.payload.resources.empty())) {
    return base::refusal(ErrorCode::incompatible, "an invocation that uses objects must say where they live");
  }
  if (kind == manifest::TaskKind::child && message.lease != 0) {
    return base::refusal(
        ErrorCode::invalid_argument,
        fmt::format("{} makes a child, which gets a slot of its own and cannot use objects of another; pass "
                    "the data itself",
                    call.task->name));
  }
  if (message.lease == 0) return {};
  const auto lease = calls_.find(message.lease);
  if (lease == calls_.end() || !lease->second.stays) return no_such_lease();
  if (lease->second.generation != call.generation) {
    return base::refusal(
        ErrorCode::invalid_argument,
        fmt::format("the object lives in {}, {} is a task of {}; objects cannot be shared between plugins",
                    lease->second.plugin, call.task->name, call.plugin));
  }
  return {};
}

// Into a slot of its own, or into the one where its objects live.
void Calls::start(Instant now, std::uint64_t id, Call& call) {
  if (call.message.lease == 0) return pool_.lease(now, call.generation, id, call.brief);
  Error error;
  switch (pool_.enter(now, call.message.lease, id)) {
    case HeldObjects::Turn::comes:
      return;
    case HeldObjects::Turn::unknown:
      error = no_such_lease();
      break;
    case HeldObjects::Turn::full:
      error = base::refusal(ErrorCode::queue_full,
                            "A call waits for the object on its runner already. Send the next one when it has ended.");
  }
  answer(id, call, std::move(error));
  end(now, id, call);
}

void Calls::release(Instant now, const wire::Release& message) {
  pool_.release(now, message.lease, message.objects);
}

void Calls::on_held(Instant now, std::uint64_t id) {
  const Call* call = find(id);
  if (call == nullptr) return;
  terminator_.stays(now, id, call->places_child() ? Stays::child : Stays::tracked);
}

void Calls::on_let_go(Instant now, std::uint64_t id, Error why) {
  if (Call* call = find(id)) end(now, id, *call, std::move(why));
}

}  // namespace flame::runner
