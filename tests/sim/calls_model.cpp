// CallsModel: what runs in slots, and what the host is told of it.
#include "tests/sim/calls_model.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace flame::sim {

using namespace std::chrono_literals;
using runner::StopCause;

namespace {

ErrorCode code_of(StopCause cause) {
  switch (cause) {
    case StopCause::none:
      return ErrorCode::crashed;
    case StopCause::timed_out:
      return ErrorCode::timed_out;
    case StopCause::shutting_down:
      return ErrorCode::shutting_down;
    case StopCause::cancelled:
    case StopCause::host_lost:
      break;
  }
  return ErrorCode::cancelled;
}

}  // namespace

CallsModel::CallsModel(Context& sim, RunnerPort& runner, runner::Terminator& terminator, const wire::Welcome& welcome,
                       std::set<DigestId> digests)
    : sim_(sim),
      runner_(runner),
      terminator_(terminator),
      most_(welcome.slots),
      digests_(std::move(digests)),
      slots_(sim, runner, welcome, *this) {}

std::uint32_t CallsModel::busy() const {
  return static_cast<std::uint32_t>(std::count_if(
      calls_.begin(), calls_.end(), [](const auto& call) { return !call.second.ended && call.second.lease == 0; }));
}

void CallsModel::invoke(const wire::Invoke& message) {
  if (calls_.contains(message.id)) return sim_.findings.broken("call ", message.id, " came to its runner twice");
  if (message.lease == 0 && busy() >= most_)
    sim_.findings.broken("runner ", runner_.id(), " was given more calls than it has slots");
  if (!terminator_.invoked(sim_.agenda.now(), message))
    return sim_.findings.broken("call ", message.id, " came to runner ", runner_.id(), " after it was let go");
  Call& call = calls_[message.id];
  call.lease = message.lease;
  call.linked = message.linked;
  std::from_chars(message.digest.data(), message.digest.data() + message.digest.size(), call.digest);
  if (message.payload.transfer != 0 && !arrived_.contains(message.payload.transfer))
    call.arguments = message.payload.transfer;
  if (!digests_.contains(call.digest)) {
    answer(message.id, call, ErrorCode::not_found, Started::no);
    return end(message.id, call);
  }
  if (call.lease != 0) return enter(message.id, call);
  slots_.lease(call.digest, message.id, call.arguments == 0 && sim_.chance.percent(50));
}

void CallsModel::enter(CallId id, Call& call) {
  switch (slots_.enter(call.lease, id)) {
    case runner::HeldSlots::Turn::comes:
      return;
    case runner::HeldSlots::Turn::unknown:
      answer(id, call, ErrorCode::runner_lost, Started::no);
      break;
    case runner::HeldSlots::Turn::full:
      answer(id, call, ErrorCode::queue_full, Started::no);
  }
  end(id, call);
}

void CallsModel::release(const wire::Release& release) {
  slots_.release(release.lease, release.objects);
}

void CallsModel::chunk(const wire::Chunk& chunk) {
  arrived_.insert(chunk.transfer);
  for (auto& [id, call] : calls_) {
    if (call.arguments != chunk.transfer) continue;
    call.arguments = 0;
    if (call.granted) return begin(id, call);
  }
}

// --- from slots

void CallsModel::on_granted(CallId id, bool dead) {
  Call& call = calls_.at(id);
  call.granted = true;
  call.struck = dead;
  if (dead) sim_.ledger.could_not_start(id);
  if (call.arguments == 0) begin(id, call);
}

void CallsModel::begin(CallId id, Call& call) {
  if (call.struck || call.answered) return;
  const Plan& plan = sim_.plan;
  sim_.ledger.began(id, runner_.id());
  call.running = true;
  call.run = ++runs_;
  call.ending = sim_.trouble(plan.tasks_crash, 15)  ? Ending::crashes
                : sim_.trouble(plan.tasks_hang, 10) ? Ending::hangs
                : sim_.trouble(plan.tasks_fail, 20) ? Ending::throws
                                                    : Ending::returns;
  call.deaf = sim_.trouble(plan.tasks_deaf, 40);
  runner_.later(3ms, [this, id, run = call.run] {
    const auto found = calls_.find(id);
    if (found == calls_.end() || found->second.run != run || found->second.answered) return;
    runner_.send(Line::control, wire::Begun{id});
  });
  if (call.ending == Ending::hangs) return;
  runner_.later(sim_.chance.between(plan.task_min, plan.task_max), [this, id, run = call.run] { finish(id, run); });
}

void CallsModel::finish(CallId id, std::uint64_t run) {
  const auto found = calls_.find(id);
  if (found == calls_.end() || found->second.run != run || !found->second.running) return;
  Call& call = found->second;
  if (call.ending == Ending::crashes) return slots_.crash(id);
  call.running = false;
  const bool threw = call.ending != Ending::returns;
  sim_.ledger.ended(id, runner_.id(), threw ? Outcome::threw : Outcome::returned);
  if (threw)
    answer(id, call, ErrorCode::task_failed, Started::yes);
  else
    returned(id, call);
  // Hygiene mostly takes no time, and the slot says both in one breath.
  if (sim_.chance.percent(80)) return slots_.freed(id, !sim_.chance.one_in(10));
  runner_.later(sim_.chance.skewed(100us, 200ms), [this, id, run] {
    const auto call_then = calls_.find(id);
    if (call_then != calls_.end() && call_then->second.run == run && !call_then->second.struck)
      slots_.freed(id, !sim_.chance.one_in(10));
  });
}

void CallsModel::returned(CallId id, Call& call) {
  call.answered = true;
  wire::Result result;
  result.id = id;
  result.payload.resources = leave_objects(id, call);
  if (sim_.plan.results_large && sim_.chance.one_in(2)) {
    result.payload.transfer = 2 * id + 1;
    call.sending = true;
    const Duration takes = sim_.chance.skewed(1ms, 300ms);
    runner_.later(takes, [this, id, transfer = result.payload.transfer] {
      runner_.send(Line::bulk, wire::Chunk{transfer, 0});
      if (const auto found = calls_.find(id); found != calls_.end()) found->second.sending = false;
      forget_if_done(id);
    });
  }
  runner_.send(Line::control, std::move(result));
}

std::vector<std::uint64_t> CallsModel::leave_objects(CallId id, Call& call) {
  std::vector<std::uint64_t> objects;
  if (!sim_.plan.objects || !sim_.chance.one_in(3)) return objects;
  call.child = call.lease == 0 && sim_.chance.one_in(3);
  call.stays = call.lease == 0;
  const std::uint64_t count = call.child ? 1 : sim_.chance.number(1ULL, 3ULL);
  for (std::uint64_t i = 0; i < count; ++i) objects.push_back(++objects_);
  slots_.hold(call.stays ? id : call.lease, objects);
  return objects;
}

void CallsModel::on_held(CallId id) {
  const Call& call = calls_.at(id);
  terminator_.stays(sim_.agenda.now(), id, call.child ? runner::Stays::child : runner::Stays::tracked);
  if (!call.child || sim_.chance.one_in(2)) return;
  runner_.later(sim_.chance.skewed(1ms, 30s), [this, id] {
    if (calls_.contains(id)) slots_.child_ended(id);
  });
}

void CallsModel::on_let_go(CallId id) {
  if (const auto found = calls_.find(id); found != calls_.end()) end(id, found->second);
}

void CallsModel::on_refused(CallId id) {
  const auto found = calls_.find(id);
  if (found == calls_.end()) return;
  answer(id, found->second, ErrorCode::runner_lost, Started::no);
  end(id, found->second);
}

void CallsModel::on_struck(CallId id) {
  Call& call = calls_.at(id);
  call.struck = true;
  if (!call.running) sim_.ledger.could_not_start(id);
  died(id, call);
}

void CallsModel::on_died(CallId id, StopCause cause) {
  const auto found = calls_.find(id);
  if (found == calls_.end()) return;
  Call& call = found->second;
  const bool failed_to_start = cause == StopCause::none && !call.granted;
  answer(id, call, failed_to_start ? ErrorCode::boot_failed : code_of(cause),
         call.run > 0 ? Started::yes : Started::no);
  end(id, call);
}

void CallsModel::on_freed(CallId id) {
  if (const auto found = calls_.find(id); found != calls_.end()) end(id, found->second);
}

// --- from the terminator

void CallsModel::stop(CallId id, StopCause cause) {
  const auto found = calls_.find(id);
  if (found == calls_.end()) return;
  Call& call = found->second;
  sim_.ledger.stopped(id, cause);
  if (call.stays) {
    if (const CallId inside = slots_.stop_held(id); inside != 0) ask_to_end(inside);
    return;
  }
  if (!slots_.has_slot(id)) return slots_.kill(id, cause);
  if (!withdraw(id, call, cause)) ask_to_end(id);
}

void CallsModel::ask_to_end(CallId id) {
  const Call& call = calls_.at(id);
  if (call.deaf || !call.running || call.ending == Ending::crashes) return;
  runner_.later(sim_.chance.skewed(50us, 400ms), [this, id, run = call.run] {
    const auto then = calls_.find(id);
    if (then == calls_.end() || then->second.run != run) return;
    then->second.ending = Ending::throws;
    finish(id, run);
  });
}

// A call whose arguments are not here yet never reached its slot.
bool CallsModel::withdraw(CallId id, Call& call, StopCause cause) {
  if (call.arguments == 0 || call.struck) return false;
  answer(id, call, code_of(cause), Started::no);
  slots_.freed(id, true);
  return true;
}

void CallsModel::kill(CallId id, StopCause cause) {
  const auto found = calls_.find(id);
  if (found == calls_.end()) return;
  sim_.ledger.stopped(id, cause);
  if (!found->second.ended) return slots_.kill(id, cause);
  found->second.sending = false;
  forget_if_done(id);
}

// --- to the host

void CallsModel::answer(CallId id, Call& call, ErrorCode code, Started started) {
  if (std::exchange(call.answered, true)) return;
  wire::Result result;
  result.id = id;
  result.error.code = code;
  result.error.message = "simulated";
  result.error.started = started;
  runner_.send(Line::control, std::move(result));
}

void CallsModel::end(CallId id, Call& call) {
  if (std::exchange(call.ended, true)) return;
  runner_.send(Line::control, wire::Ended{id});
  forget_if_done(id);
}

void CallsModel::forget_if_done(CallId id) {
  const auto found = calls_.find(id);
  if (found == calls_.end() || !found->second.ended || found->second.sending) return;
  calls_.erase(found);
  terminator_.ended(sim_.agenda.now(), id);
}

bool CallsModel::linked_work() const {
  return std::any_of(calls_.begin(), calls_.end(), [](const auto& call) {
    // A call on an object ends as the object does, which has a moment for its destructor.
    return call.second.linked && call.second.running && call.second.lease == 0;
  });
}

void CallsModel::pause() {
  for (auto& [id, call] : calls_) {
    if (!call.running) continue;
    call.paused = true;
    sim_.ledger.paused(id);
  }
}

void CallsModel::resume() {
  for (auto& [id, call] : calls_) unpause(id, call);
}

void CallsModel::unpause(CallId id, Call& call) {
  if (std::exchange(call.paused, false)) sim_.ledger.resumed(id, runner_.id());
}

// A process that is killed while it stands still never runs again.
void CallsModel::died(CallId id, Call& call) {
  if (!std::exchange(call.running, false)) return;
  if (std::exchange(call.paused, false))
    sim_.ledger.died_paused(id);
  else
    sim_.ledger.ended(id, runner_.id(), Outcome::died);
}

void CallsModel::die() {
  for (auto& [id, call] : calls_) died(id, call);
  calls_.clear();
}

}  // namespace flame::sim
