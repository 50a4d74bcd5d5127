// SlotPool: slots that are kept for objects, as HeldObjects decides.
#include <utility>

#include "plugin_sdk/base/make_error.hpp"
#include "runner/processes/slot_pool.hpp"

namespace flame::runner {
namespace {

// Why a lease ended that was told to.
Error describe_stop(StopCause cause, bool killed) {
  const std::string how = killed ? " It did not end when asked, so it was killed." : "";
  switch (cause) {
    case StopCause::none:
      return {};
    case StopCause::timed_out:
      return base::make_error(ErrorCode::timed_out, "A call on it ran past its deadline." + how);
    case StopCause::cancelled:
      return base::make_error(ErrorCode::cancelled, "It was told to stop." + how);
    case StopCause::shutting_down:
    case StopCause::host_lost:
      break;
  }
  return base::make_error(ErrorCode::shutting_down, "Its runner ended." + how);
}

Error object_gone(Started started) {
  Error error = base::make_error(ErrorCode::runner_lost, "The object has ended in its slot. Make it again.");
  error.started = started;
  return error;
}

}  // namespace

HeldObjects::Turn SlotPool::enter(Instant now, LeaseId lease, std::uint64_t id) {
  const HeldObjects::Turn turn = held_.enter(now, lease, id);
  run_actions(now);
  return turn;
}

void SlotPool::release(Instant now, LeaseId lease, std::span<const std::uint64_t> objects) {
  held_.release(now, lease, objects);
  run_actions(now);
}

void SlotPool::stop_held(Instant now, LeaseId lease, StopCause cause) {
  Seat* seat = seat_of(lease);
  if (seat == nullptr) return;
  const Occupancy::Seat& there = occupancy_.at(*occupancy_.find(lease));
  if (there.lease != lease) return;
  if (seat->held.stopped_for == StopCause::none) seat->held.stopped_for = cause;
  seat->slot->request_child_stop();
  if (there.invocation != 0) seat->slot->request_stop();
  held_.stop(now, lease);
  run_actions(now);
}

// False: the slot claims too much and will be killed.
bool SlotPool::hold(SlotRef slot, Process& process, Seat& seat, const slot::SlotResult& result) {
  if (result.error.code != ErrorCode::none || result.resources.empty()) return true;
  if (occupancy_.at(slot).lease == 0) {
    seat.held = {};
    occupancy_.hold(slot);
  }
  if (held_.add(occupancy_.at(slot).lease, result.resources)) return true;
  process.channel_lost = "the slot names more objects than it may hold";
  kill_now(process);
  return false;
}

void SlotPool::on_held_ready(Instant now, SlotRef slot, Process& process, Seat& seat, const slot::SlotReady& ready) {
  const LeaseId lease = occupancy_.at(slot).lease;
  const std::uint64_t invocation = occupancy_.leave(slot);
  seat.held.verdict = ready;
  if (!process.threads) seat.output.start(lease);  // of a child's run()
  if (invocation == lease) {
    table_.slot_held(slot);
    listeners_.of(invocation).on_held(now, invocation);
  } else if (invocation != 0) {
    table_.slot_held(slot);
    listeners_.freed(now, invocation);
  }
  held_.idle(now, lease);
}

void SlotPool::on_child_ended(Instant now, SlotRef slot, Seat& seat, slot::SlotChildEnded ended) {
  const LeaseId lease = occupancy_.at(slot).lease;
  if (lease == 0) return;
  if (ended.error.code != ErrorCode::none) {
    seat.held.end = std::move(ended.error);
    seat.held.end.log_tail = seat.output.log_tail();
  }
  held_.child_ended(now, lease);
}

bool SlotPool::run_held_actions(Instant now) {
  const auto actions = held_.take_actions();
  for (const HeldAction& action : actions) {
    if (const auto* entered = std::get_if<EnterHeld>(&action)) {
      enter_held(now, *entered);
    } else if (const auto* refused = std::get_if<RefuseHeld>(&action)) {
      listeners_.died(now, refused->invocation, object_gone(Started::no));
    } else if (const auto* doomed = std::get_if<DestroyHeld>(&action)) {
      destroy_held(now, *doomed);
    } else if (const auto* stuck = std::get_if<KillHeld>(&action)) {
      kill_held(now, *stuck);
    } else if (const auto* freed = std::get_if<FreeHeld>(&action)) {
      free_held(now, *freed);
    }
  }
  return !actions.empty();
}

void SlotPool::enter_held(Instant now, const EnterHeld& action) {
  const SlotRef slot = *occupancy_.find(action.lease);
  // Its channel has just been lost: it will not say anything again.
  if (!seat_of(action.lease)->slot->idle()) return listeners_.died(now, action.invocation, object_gone(Started::no));
  table_.slot_entered(slot);
  grant(now, {action.invocation, slot});
}

void SlotPool::destroy_held(Instant now, const DestroyHeld& action) {
  Seat& seat = *seat_of(action.lease);
  if (!seat.slot->idle()) return;  // as above
  seat.slot->destroy_objects(action.objects);
  wake_at_ = std::min(wake_at_, now);
}

void SlotPool::kill_held(Instant now, const KillHeld& action) {
  Seat& seat = *seat_of(action.lease);
  if (seat.held.end.code == ErrorCode::none) {
    seat.held.end =
        base::make_error(ErrorCode::crashed,
                         "A destructor of its objects did not return in time, so the slot was killed. Release what "
                         "takes long in a method of its own.");
  }
  kill(now, action.lease, StopCause::cancelled);
}

void SlotPool::free_held(Instant now, const FreeHeld& action) {
  const SlotRef slot = *occupancy_.find(action.lease);
  Process& process = processes_.at(slot.process);
  Seat& seat = process.seats[slot.index];
  const Held held = std::exchange(seat.held, {});
  occupancy_.let_go(slot);
  if (!process.threads) seat.output.start(0);
  discard(held.verdict, action.lease);
  listeners_.let_go(now, action.lease,
                    held.end.code != ErrorCode::none ? held.end : describe_stop(held.stopped_for, false));
  table_.slot_released(now, slot, held.verdict.reusable);
}

// The process is dead: first what ran in the slot, then what waited for it, then the lease itself.
void SlotPool::bury_held(Instant now, SlotRef slot, Seat& seat, const Death& death) {
  const Held held = std::exchange(seat.held, {});
  const std::uint64_t invocation = occupancy_.leave(slot);
  const LeaseId lease = occupancy_.let_go(slot);
  const HeldObjects::Left left = held_.gone(lease);
  if (invocation != 0 && invocation != lease) {
    const bool object_ended = death.cause == StopCause::none && held.stopped_for != StopCause::none;
    listeners_.died(now, invocation, object_ended ? object_gone(death.started) : describe_death(death));
  }
  for (const std::uint64_t id : left.waiting) listeners_.died(now, id, object_gone(Started::no));
  Error why = held.end;
  if (why.code == ErrorCode::none) why = describe_stop(held.stopped_for, !left.was_free);
  if (left.was_free) return listeners_.let_go(now, lease, std::move(why));
  if (why.code == ErrorCode::none) why = describe_stop(death.cause, true);
  if (why.code == ErrorCode::none) why = describe_death(death);
  listeners_.died(now, lease, std::move(why));
}

}  // namespace flame::runner
