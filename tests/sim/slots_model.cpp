// SlotsModel: processes that take their time to come and to go.
#include "tests/sim/slots_model.hpp"

#include <utility>

namespace flame::sim {

using namespace std::chrono_literals;
using runner::StopCause;

namespace {

constexpr std::uint32_t kLanes = 2;

}  // namespace

SlotsModel::SlotsModel(Context& sim, RunnerPort& runner, const wire::Welcome& welcome, SlotsListener& listener)
    : sim_(sim), runner_(runner), listener_(listener), table_(welcome, kLanes) {}

void SlotsModel::generation_up(DigestId digest) {
  table_.generation_up(sim_.agenda.now(), digest, true);
  run_actions();
}

void SlotsModel::lease(DigestId digest, CallId call, bool brief) {
  table_.lease(sim_.agenda.now(), digest, call, brief);
  run_actions();
}

void SlotsModel::kill(CallId call, StopCause cause) {
  if (const auto follower = followers_.find(call); follower != followers_.end()) take_back(follower->second);
  if (table_.withdraw(call) || held_.withdraw(call)) return listener_.on_died(call, cause);
  const auto seat = seats_.find(call);
  if (seat == seats_.end()) return;
  causes_[call] = cause;
  table_.kill(sim_.agenda.now(), seat->second);
  run_actions();
}

void SlotsModel::freed(CallId call, bool reusable) {
  const auto seat = seats_.find(call);
  if (seat == seats_.end()) return;
  const runner::SlotRef slot = seat->second;
  if (held_.contains(at(slot).call)) return vacated(call, slot, reusable);
  seats_.erase(seat);
  causes_.erase(call);
  at(slot).call = 0;
  listener_.on_freed(call);
  if (reusable && pass_on(slot)) return run_actions();
  take_back(slot);
  at(slot) = {};
  table_.slot_freed(sim_.agenda.now(), slot, reusable);
  run_actions();
}

void SlotsModel::crash(CallId call) {
  const auto seat = seats_.find(call);
  if (seat != seats_.end()) strike(seat->second.process);
}

void SlotsModel::tick() {
  table_.tick(sim_.agenda.now());
  held_.tick(sim_.agenda.now());
  run_actions();
}

void SlotsModel::run_actions() {
  if (std::exchange(acting_, true)) return;  // an action caused this; the loop below goes on
  for (auto actions = table_.take_actions(); !actions.empty() || run_held_actions(); actions = table_.take_actions()) {
    for (const runner::SlotAction& action : actions) std::visit([this](const auto& one) { perform(one); }, action);
  }
  acting_ = false;
}

void SlotsModel::perform(const runner::ForkProcess& fork) {
  processes_[fork.process].slots.resize(fork.slots);
  runner_.later(sim_.chance.skewed(500us, 40ms), [this, id = fork.process] { started(id); });
}

void SlotsModel::started(runner::ProcessId id) {
  const auto found = processes_.find(id);
  if (found == processes_.end() || found->second.dying) return;
  const Instant now = sim_.agenda.now();
  if (sim_.trouble(sim_.plan.slots_fail, 10)) {
    processes_.erase(found);
    table_.start_failed(now, id);
  } else {
    for (std::uint32_t i = 0; i < found->second.slots.size(); ++i) table_.slot_ready(now, {id, i});
  }
  run_actions();
}

void SlotsModel::perform(const runner::GrantSlot& grant) {
  const auto found = processes_.find(grant.slot.process);
  if (found == processes_.end()) return sim_.findings.broken("a slot of a process that is gone was granted");
  CallId& seat = found->second.slots[grant.slot.index].call;
  if (seat != 0) sim_.findings.broken("a slot was granted to call ", grant.invocation, " while call ", seat, " has it");
  seat = grant.invocation;
  seats_[grant.invocation] = grant.slot;
  listener_.on_granted(grant.invocation, found->second.dying);
}

// A slot that turns out to be slow, or is about to die, gives back what follows there.
void SlotsModel::perform(const runner::QueueBehind& queue) {
  const auto found = processes_.find(queue.slot.process);
  if (found == processes_.end()) return sim_.findings.broken("a slot of a process that is gone got a follower");
  Slot& slot = at(queue.slot);
  if (slot.call == 0) sim_.findings.broken("call ", queue.invocation, " follows nothing");
  slot.behind.push_back(queue.invocation);
  followers_[queue.invocation] = queue.slot;
  if (found->second.dying) return take_back(queue.slot);
  runner_.later(2ms, [this, call = slot.call, ref = queue.slot] {
    const auto seat = seats_.find(call);
    if (seat == seats_.end() || !(seat->second == ref)) return;
    take_back(ref);
  });
}

bool SlotsModel::pass_on(const runner::SlotRef& ref) {
  Slot& slot = at(ref);
  if (slot.behind.empty() || processes_.at(ref.process).dying) return false;
  const CallId next = slot.behind.front();
  slot.behind.erase(slot.behind.begin());
  followers_.erase(next);
  slot.call = next;
  seats_[next] = ref;
  table_.slot_passed(ref, next);
  listener_.on_granted(next, false);
  return true;
}

void SlotsModel::take_back(runner::SlotRef ref) {
  const std::vector<CallId> calls = std::exchange(at(ref).behind, {});
  for (const CallId call : calls) followers_.erase(call);
  if (!calls.empty()) table_.taken_back(ref, calls);
}

void SlotsModel::perform(const runner::KillProcess& kill) {
  strike(kill.process);
}

void SlotsModel::perform(const runner::FailWaiting& failed) {
  sim_.ledger.could_not_start(failed.invocation);
  listener_.on_died(failed.invocation, StopCause::none);
}

void SlotsModel::strike(runner::ProcessId id) {
  const auto found = processes_.find(id);
  if (found == processes_.end() || std::exchange(found->second.dying, true)) return;
  for (const Slot& slot : found->second.slots) {
    const bool held = slot.call != 0 && held_.contains(slot.call);
    if (held) sim_.ledger.objects_in_trouble(slot.call);
    const CallId runs = held ? slot.inside : slot.call;
    if (runs != 0) listener_.on_struck(runs);
  }
  runner_.later(sim_.chance.skewed(200us, 150ms), [this, id] { reap(id); });
}

void SlotsModel::bury(CallId call) {
  seats_.erase(call);
  const auto cause = causes_.extract(call);
  listener_.on_died(call, cause ? cause.mapped() : StopCause::none);
}

void SlotsModel::reap(runner::ProcessId id) {
  const auto found = processes_.find(id);
  for (std::uint32_t i = 0; i < found->second.slots.size(); ++i) take_back({id, i});
  const std::vector<Slot> slots = std::move(found->second.slots);
  processes_.erase(found);
  for (const Slot& slot : slots) {
    if (slot.call == 0) continue;
    if (held_.contains(slot.call))
      bury_held(slot);
    else
      bury(slot.call);
  }
  table_.process_gone(sim_.agenda.now(), id);
  run_actions();
}

}  // namespace flame::sim
