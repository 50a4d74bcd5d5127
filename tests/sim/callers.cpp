// See callers.hpp.
#include "tests/sim/callers.hpp"

#include <utility>

namespace flame::sim {

using namespace std::chrono_literals;

Callers::Callers(Context& sim, SimHost& host) : sim_(sim), host_(host) {
  host_.on_objects([this](CallId lease, Handles objects) { use(lease, std::move(objects)); });
  host_.versions().on_done([this] {
    if (!sim_.calm && sim_.chance.one_in(2)) submit(false);
  });
}

void Callers::start() {
  const Plan& plan = sim_.plan;
  every(plan.between_arrivals, [this] { arrive(); });
  if (plan.cancels)
    every(700ms, [this] {
      if (const auto call = sim_.ledger.some_open(sim_.chance)) host_.cancel(*call);
    });
  if (plan.storms) every(6s, [this] { storm(); });
  if (plan.idle_edge) at_the_idle_edge();
  if (plan.resizes) every(5s, [this] { resize(); });
  if (plan.expects)
    every(5s,
          [this] { host_.expect(static_cast<std::uint32_t>(sim_.chance.roll(12)), sim_.chance.skewed(100ms, 20s)); });
  if (plan.updates) every(4s, [this] { change(); });
}

void Callers::every(Duration mean, std::function<void()> deed) {
  sim_.agenda.in(sim_.chance.skewed(1us, 3 * mean), [this, mean, deed = std::move(deed)]() mutable {
    if (sim_.calm) return;
    if (!host_.frozen()) deed();  // callers are threads of its process
    every(mean, std::move(deed));
  });
}

void Callers::arrive() {
  const std::uint32_t calls = sim_.chance.one_in(3) ? sim_.chance.number(1U, sim_.plan.burst) : 1;
  for (std::uint32_t i = 0; i < calls; ++i) submit();
}

// What is active when the call begins.
DigestId Callers::choose_digest() const {
  if (!sim_.plan.updates) return static_cast<DigestId>(sim_.chance.roll(sim_.plan.digests));
  return sim_.plan.companion && sim_.chance.one_in(4) ? versions(sim_.plan) : host_.versions().read();
}

// The loop may hear of it when something else is active.
void Callers::submit(bool at_once) {
  pool::event::Submit submit{.digest = choose_digest()};
  submit.idempotent = sim_.chance.one_in(3);
  submit.retries = static_cast<std::uint32_t>(sim_.chance.roll(4));
  if (sim_.chance.one_in(2)) submit.budget = sim_.chance.skewed(1ms, 40s);
  if (sim_.chance.one_in(12)) submit.budget = kForever;
  submit.linked = !(sim_.plan.unlinked && sim_.chance.one_in(3));
  const bool late = sim_.plan.updates && (!at_once || sim_.chance.one_in(8));
  auto hand_over = [this, submit]() mutable {
    submit.call = ++last_call_;
    host_.submit(submit);
  };
  if (!late) return hand_over();
  sim_.agenda.in(sim_.chance.skewed(1us, 50ms), hand_over);
}

// Some calls on them, then each handle goes, or somebody stops it all.
void Callers::use(CallId lease, Handles objects) {
  for (detail::ObjectHandle& object : objects) {
    handles_[lease][++last_handle_] = std::move(object);
    sim_.agenda.in(sim_.chance.skewed(1us, 20s), [this, lease, number = last_handle_] { let_go(lease, number); });
  }
  if (sim_.calm) return let_go_of_all();
  for (std::uint64_t calls = sim_.chance.roll(4); calls > 0; --calls)
    sim_.agenda.in(sim_.chance.skewed(1us, 5s), [this, lease] { call_on(lease); });
  if (!sim_.chance.one_in(4)) return;
  sim_.agenda.in(sim_.chance.skewed(1us, 10s), [this, lease] {
    const auto handles = handles_.find(lease);
    if (handles != handles_.end()) host_.stop_lease(handles->second.begin()->second);
  });
}

void Callers::call_on(CallId lease) {
  const auto handles = handles_.find(lease);
  if (sim_.calm || host_.frozen() || handles == handles_.end()) return;
  pool::event::Submit submit{.call = ++last_call_, .digest = sim_.ledger.digest(lease)};
  submit.lease = lease;
  if (sim_.chance.one_in(2)) submit.budget = sim_.chance.skewed(1ms, 40s);
  host_.submit(submit, sim_.chance.pick(handles->second).second);
}

// Whatever still uses the object keeps it.
void Callers::let_go(CallId lease, std::uint64_t number) {
  const auto handles = handles_.find(lease);
  if (handles == handles_.end() || !handles->second.contains(number)) return;
  if (host_.frozen()) return sim_.agenda.in(10ms, [this, lease, number] { let_go(lease, number); });
  end(handles->second.at(number));
  handles->second.erase(number);
  if (handles->second.empty()) handles_.erase(handles);
  host_.released();
}

// An unlinked child outlives its handle.
void Callers::end(const detail::ObjectHandle& object) {
  if (object->child() != nullptr) host_.stop_lease(object);
}

// What ends one may bring the result of another call, whose handles go at once, too.
void Callers::let_go_of_all() {
  {
    const auto all = std::exchange(handles_, {});
    for (const auto& [lease, handles] : all)
      for (const auto& [number, object] : handles) end(object);
  }
  host_.released();
}

CallId Callers::probe(DigestId digest) {
  pool::event::Submit submit{.call = ++last_call_, .digest = digest};
  submit.budget = sim_.plan.lifetime == kForever ? Duration(10min) : Duration(1min);
  host_.submit(submit);
  return submit.call;
}

void Callers::storm() {
  for (const CallId call : sim_.ledger.all_open()) host_.cancel(call);
}

// Calls that come just when a runner that has been idle asks to retire.
void Callers::at_the_idle_edge() {
  const Duration idle = sim_.plan.pool.idle_shutdown_after;
  if (idle == kForever) return;
  every(idle, [this, idle] {
    if (sim_.ledger.open() > 0) return;
    submit();
    const Duration spread = 3 * sim_.plan.delay + 300us;
    for (int i = 0; i < 3; ++i)
      sim_.agenda.in(idle + sim_.plan.task_min + sim_.chance.between(0us, 2 * spread), [this] {
        if (!sim_.calm) submit();
      });
  });
}

void Callers::resize() {
  const auto max = sim_.chance.number(1U, 6U);
  host_.resize(static_cast<std::uint32_t>(sim_.chance.roll(max + 1)), max);
}

// Sometimes several people do.
void Callers::change() {
  for (std::uint64_t changes = sim_.chance.one_in(4) ? 3 : 1; changes > 0; --changes) change_once();
}

void Callers::change_once() {
  Versions::Pools pools = {0, 1};
  if (sim_.chance.one_in(4)) pools = {sim_.chance.one_in(3) ? 1U : 0U};
  const Duration patience = sim_.chance.skewed(50ms, 40s);
  if (sim_.chance.one_in(4))
    host_.versions().rollback(std::move(pools), patience);
  else
    host_.versions().activate(sim_.chance.number(0U, versions(sim_.plan) - 1), std::move(pools), patience);
}

}  // namespace flame::sim
