// SimSlots: starts, deaths, and who hears of them when.
#include "tests/sim/slots/sim_slots.hpp"

#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <utility>

#include "runner/slots/make_failure.hpp"

namespace flame::sim {

using namespace std::chrono_literals;

slot::MakeResult<runner::MadeSlots> SimSlots::make(Instant, const runner::ForkProcess& wanted) {
  const pid_t pid = ++last_pid_;
  Process& process = processes_[pid];
  process.id = wanted.process;
  runner::MadeSlots made;
  for (std::uint32_t i = 0; i < wanted.slots; ++i) {
    auto slot =
        std::make_unique<SimSlot>(sim_, machine_,
                                  SimSlot::Around{.heard = [this, pid, i] { heard(pid, i); },
                                                  .crash = [this, pid] { strike(pid, SIGSEGV); },
                                                  .exit = [this, pid] { strike(pid, 0); },
                                                  .gone = [this, pid, i] { processes_.at(pid).slots[i] = nullptr; }});
    process.slots.push_back(slot.get());
    made.slots.push_back(std::move(slot));
  }
  machine_.later(sim_.chance.skewed(500us, 40ms), [this, pid] { start(pid); });
  return made;
}

void SimSlots::start(pid_t pid) {
  Process& process = processes_.at(pid);
  if (process.dead || process.slots.front() == nullptr) return;  // nobody waits for it any more
  if (sim_.trouble(sim_.plan.slots_fail, 10)) {
    failed_ = true;
    if (sim_.chance.one_in(3)) {
      const Error error{.code = ErrorCode::boot_failed, .message = "simulated", .started = Started::no};
      process.dead = true;
      return pool_->spawn_failed(sim_.agenda.now(), process.id, {error, sim_.chance.one_in(2)});
    }
  }
  const bool fails = failed_ && sim_.trouble(sim_.plan.slots_fail, 10);
  // The zygote's word and the slots' own: either may come first.
  if (sim_.chance.one_in(3)) pool_->spawned(sim_.agenda.now(), process.id, pid);
  for (SimSlot* slot : process.slots) {
    slot->say(said::Hello{pid});
    if (fails && sim_.chance.one_in(2)) {
      slot->say(said::Ready{.reusable = false, .code = ErrorCode::boot_failed});
    } else if (!fails) {
      slot->say(said::Ready{});
    }
  }
  if (fails) machine_.later(sim_.chance.skewed(1ms, 100ms), [this, pid] { strike(pid, SIGSEGV); });
}

void SimSlots::kill(pid_t pid) {
  strike(pid, SIGKILL);
}

void SimSlots::strike(pid_t pid, int status) {
  Process& process = processes_.at(pid);
  if (std::exchange(process.dead, true)) return;
  for (SimSlot* slot : process.slots) {
    if (slot == nullptr) continue;
    slot->worker().struck();
    slot->cut();
  }
  const Duration most = sim_.chance.one_in(2) ? Duration(1ms) : Duration(150ms);
  machine_.later(sim_.chance.skewed(20us, most), [this, pid, status] {
    if (pool_ != nullptr) pool_->reaped(sim_.agenda.now(), pid, status, rusage{});
  });
}

// The supervisor may have much else to do.
void SimSlots::heard(pid_t pid, std::uint32_t index) {
  const Duration most = sim_.chance.one_in(5) ? Duration(200ms) : Duration(200us);
  machine_.later(sim_.chance.skewed(1us, most), [this, pid, index] {
    const Process& process = processes_.at(pid);
    if (process.slots[index] != nullptr) pool_->on_channel(sim_.agenda.now(), {process.id, index});
  });
}

template <class Deed>
void SimSlots::each(Deed deed) const {
  for (const auto& [pid, process] : processes_)
    for (SimSlot* slot : process.slots)
      if (slot != nullptr) deed(slot->worker());
}

void SimSlots::pause() {
  each([](Worker& worker) { worker.pause(); });
}

void SimSlots::resume() {
  each([](Worker& worker) { worker.resume(); });
}

void SimSlots::die() {
  each([](Worker& worker) { worker.struck(); });
}

bool SimSlots::linked_work() const {
  bool found = false;
  each([&found](const Worker& worker) { found = found || worker.linked_work(); });
  return found;
}

}  // namespace flame::sim
