// SlotsModel: slots that are kept for objects; as runner/slots/slot_pool_held does it.
#include <utility>

#include "tests/sim/slots_model.hpp"

namespace flame::sim {

using namespace std::chrono_literals;

void SlotsModel::hold(CallId lease, const std::vector<std::uint64_t>& objects) {
  if (!held_.add(lease, objects)) sim_.findings.broken("more objects than a slot may hold");
  if (const auto seat = seats_.find(lease); seat != seats_.end()) take_back(seat->second);
}

runner::HeldSlots::Turn SlotsModel::enter(CallId lease, CallId call) {
  const auto turn = held_.enter(sim_.agenda.now(), lease, call);
  run_actions();
  return turn;
}

void SlotsModel::release(CallId lease, const std::vector<std::uint64_t>& objects) {
  held_.release(sim_.agenda.now(), lease, objects);
  run_actions();
}

CallId SlotsModel::stop_held(CallId lease) {
  const auto seat = seats_.find(lease);
  const CallId inside = seat == seats_.end() ? 0 : at(seat->second).inside;
  sim_.ledger.objects_in_trouble(lease);
  held_.stop(sim_.agenda.now(), lease);
  run_actions();
  return inside;
}

void SlotsModel::child_ended(CallId lease) {
  sim_.ledger.objects_in_trouble(lease);
  held_.child_ended(sim_.agenda.now(), lease);
  run_actions();
}

// The call that left the objects, or one on them, has ended; the slot is kept.
void SlotsModel::vacated(CallId call, const runner::SlotRef& slot, bool reusable) {
  if (processes_.at(slot.process).dying) return;
  const CallId lease = at(slot).call;
  at(slot).reusable = reusable;
  if (call != lease) {
    seats_.erase(call);
    causes_.erase(call);
    at(slot).inside = 0;
  }
  table_.slot_held(slot);
  if (call == lease)
    listener_.on_held(call);
  else
    listener_.on_freed(call);
  held_.idle(sim_.agenda.now(), lease);
  run_actions();
}

bool SlotsModel::run_held_actions() {
  const auto actions = held_.take_actions();
  for (const runner::HeldAction& action : actions) std::visit([this](const auto& one) { perform(one); }, action);
  return !actions.empty();
}

void SlotsModel::perform(const runner::EnterHeld& enter) {
  const runner::SlotRef slot = seats_.at(enter.lease);
  if (const CallId inside = std::exchange(at(slot).inside, enter.invocation); inside != 0)
    sim_.findings.broken("call ", enter.invocation, " enters a slot in which call ", inside, " is");
  seats_[enter.invocation] = slot;
  table_.slot_entered(slot, enter.invocation);
  listener_.on_granted(enter.invocation, processes_.at(slot.process).dying);
}

void SlotsModel::perform(const runner::RefuseHeld& refuse) {
  listener_.on_refused(refuse.invocation);
}

void SlotsModel::perform(const runner::DestroyHeld& destroy) {
  const runner::SlotRef slot = seats_.at(destroy.lease);
  if (at(slot).inside != 0) sim_.findings.broken("objects are destroyed under call ", at(slot).inside);
  if (sim_.trouble(sim_.plan.tasks_hang, 10)) return;  // a destructor that does not return
  runner_.later(sim_.chance.skewed(10us, 100ms), [this, lease = destroy.lease] {
    const auto seat = seats_.find(lease);
    if (seat == seats_.end() || !held_.contains(lease) || processes_.at(seat->second.process).dying) return;
    held_.idle(sim_.agenda.now(), lease);
    run_actions();
  });
}

void SlotsModel::perform(const runner::KillHeld& stuck) {
  kill(stuck.lease, runner::StopCause::cancelled);
}

void SlotsModel::perform(const runner::FreeHeld& free) {
  const runner::SlotRef slot = seats_.at(free.lease);
  const bool reusable = at(slot).reusable;
  seats_.erase(free.lease);
  causes_.erase(free.lease);
  at(slot) = {};
  listener_.on_let_go(free.lease);
  table_.slot_released(sim_.agenda.now(), slot, reusable);
}

// First what ran in the slot, then what waited for it, then the lease itself.
void SlotsModel::bury_held(const Slot& slot) {
  const std::vector<std::uint64_t> waiting = held_.gone(slot.call);
  if (slot.inside != 0) bury(slot.inside);
  for (const CallId call : waiting) listener_.on_refused(call);
  bury(slot.call);
}

}  // namespace flame::sim
