// Each fault in the one place where it shows.
#include "tests/backends/faulty_backend.hpp"

#include <utility>
#include <vector>

namespace flame::test {

using namespace std::chrono_literals;

namespace {

constexpr std::string_view kSecond = "-b";  // ends the name of a machine that must not be
constexpr Duration kLate = 10s;

MachineName without_second(const MachineName& name) {
  return name.ends_with(kSecond) ? name.substr(0, name.size() - kSecond.size()) : name;
}

}  // namespace

FaultyBackend::FaultyBackend(Fault fault, std::unique_ptr<Backend> sound, ScriptedEngine& engine)
    : fault_(fault), sound_(std::move(sound)), engine_(engine) {}

void FaultyBackend::later(Duration delay, std::function<void()> task) {
  engine_.agenda().in(delay, [alive = std::weak_ptr(alive_), task = std::move(task)] {
    if (!alive.expired()) task();
  });
}

void FaultyBackend::open(BackendEvents& events) {
  forward_to(events);
  sound_->open(*this);
}

void FaultyBackend::opened(boost::system::result<EngineFacts, BootFailure> facts) noexcept {
  opened_ = facts.has_value();
  to()->opened(std::move(facts));
}

void FaultyBackend::boot(BootRequest request) {
  if (has(Fault::gives_up_its_engine) && !opened_)
    return to()->booted(request.name, BootFailure{.error = {.code = ErrorCode::boot_failed, .message = "no engine."}});
  spoil(request);
  sound_->boot(std::move(request));
}

void FaultyBackend::spoil(BootRequest& request) {
  const std::string descriptor = request.descriptor->bytes({}).value();
  const bool again = !descriptors_.insert_or_assign(request.name, descriptor).second;
  const ScriptedEngine::Unit* const unit = engine_.find(request.name);
  if (has(Fault::adopts_strangers) && unit != nullptr) request.labels = unit->machine.labels;
  if (has(Fault::boots_twice) && again) request.name += kSecond;
  if (has(Fault::leaks_in_inspect)) request.env["FLAME_PARENT"] = descriptor;
}

void FaultyBackend::says_that_it_is_gone(const MachineName& name) {
  if (booted_.contains(name)) {
    to()->exited(name, {.reason = "destroyed"});
  } else if (!muted_.contains(name)) {
    to()->booted(name, BootFailure{.error = {.code = ErrorCode::cancelled, .message = "given up."}});
  }
  muted_.insert(name);
  to()->destroyed(name, std::nullopt);
}

void FaultyBackend::destroy(const MachineName& name, const MachineId& id) {
  const bool under_way = descriptors_.contains(name) && !booted_.contains(name);
  if (has(Fault::claims_gone) && !under_way) return says_that_it_is_gone(name);
  if (has(Fault::boots_despite_destroy) && under_way) return says_that_it_is_gone(name);
  if (has(Fault::claims_gone_when_down) && engine_.is_down()) return says_that_it_is_gone(name);
  if (has(Fault::destroyed_before_booted) && under_way) to()->destroyed(name, std::nullopt);
  const ScriptedEngine::Unit* const unit = engine_.find(name);
  if (has(Fault::destroys_twins) && unit != nullptr) {
    const std::string host = unit->machine.labels.at("flame-host");
    for (const Machine& machine : engine_.list({{"flame-host", host}}))
      static_cast<void>(engine_.destroy(machine.name));
  }
  sound_->destroy(name, id);
}

void FaultyBackend::list(std::uint64_t ticket, const Labels& scope) {
  sound_->list(ticket, has(Fault::lists_strangers) ? Labels() : scope);
}

void FaultyBackend::logs(std::uint64_t ticket, const Machine& machine, std::uint64_t bytes_max) {
  if (has(Fault::keeps_logs)) return to()->logged(ticket, std::string());
  sound_->logs(ticket, machine, bytes_max);
}

void FaultyBackend::close(Duration within) {
  if (has(Fault::closes_at_once)) return to()->closed();
  sound_->close(within);
}

void FaultyBackend::phase(const MachineName& name, BootPhase phase, std::string_view detail) noexcept {
  const MachineName told = without_second(name);
  if (muted_.contains(told)) return;
  if (has(Fault::forgets_queue) && phase == BootPhase::queued) return;
  if (has(Fault::forgets_placed) && phase == BootPhase::placed) return;
  to()->phase(told, phase, detail);
  if (has(Fault::phases_backwards) && phase == BootPhase::starting) to()->phase(told, BootPhase::placed, detail);
  if (has(Fault::leaves_the_queue_early) && phase == BootPhase::queued) to()->phase(told, BootPhase::placed, detail);
}

BootFailure FaultyBackend::spoilt(const MachineName& name, BootFailure failure) const {
  if (has(Fault::drops_log_tail)) failure.error.log_tail.clear();
  if (has(Fault::says_retry)) failure.remedy = Remedy::retry;
  if (has(Fault::hides_may_exist)) failure.may_exist = false;
  if (has(Fault::hides_cancelled)) failure.error.code = ErrorCode::boot_failed;
  if (has(Fault::leaks_in_error)) failure.error.message += " Told: " + descriptors_.at(name);
  return failure;
}

Machine FaultyBackend::spoilt(Machine machine) const {
  machine.name = without_second(machine.name);
  if (has(Fault::answers_for_another)) machine.name += "-another";
  if (has(Fault::outlives_its_lifetime)) machine.ends_in = kForever;
  return machine;
}

void FaultyBackend::booted(const MachineName& name, BootOutcome outcome) noexcept {
  const MachineName told = without_second(name);
  if (muted_.contains(told)) return;
  outcome = outcome.has_error() ? BootOutcome(spoilt(told, outcome.error())) : BootOutcome(spoilt(*outcome));
  const bool is_there = outcome.has_value();
  if (is_there) booted_.insert(told);
  if (has(Fault::leaks_in_log)) to()->log(0, "told " + told + ": " + descriptors_.at(told));
  if (has(Fault::exits_before_booted) && is_there) to()->exited(told, {.reason = "exit code 1"});
  to()->booted(told, outcome);
  if (has(Fault::answers_twice)) to()->booted(told, std::move(outcome));
  if (has(Fault::phase_after_booted)) to()->phase(told, BootPhase::started, {});
}

void FaultyBackend::ending(const MachineName& name, Duration left, std::string_view why) noexcept {
  if (has(Fault::swallows_endings)) return;
  if (has(Fault::forgets_revisions) && !ending_.insert(name).second) return;
  to()->ending(name, left, why);
}

void FaultyBackend::exited(const MachineName& name, MachineExit exit) noexcept {
  if (has(Fault::forgets_exits) || muted_.contains(name)) return;
  if (has(Fault::forgets_out_of_memory)) exit.out_of_memory = false;
  if (!has(Fault::tells_exits_late)) return to()->exited(name, std::move(exit));
  later(kLate, [this, name, exit] { to()->exited(name, exit); });
}

void FaultyBackend::destroyed(const MachineName& name, std::optional<Error> left) noexcept {
  if (has(Fault::forgets_destroyed) || muted_.contains(name)) return;
  to()->destroyed(name, std::move(left));
}

void FaultyBackend::listed(std::uint64_t ticket, Result<std::vector<Machine>> machines) noexcept {
  if (has(Fault::guesses_deaths) && machines.has_error()) {
    for (const MachineName& name : booted_) to()->exited(name, {.reason = "its node is unreachable"});
  }
  if (has(Fault::lists_nothing_when_down) && machines.has_error()) machines = std::vector<Machine>();
  if (has(Fault::lists_less) && machines.has_value() && !machines->empty()) machines->pop_back();
  if (has(Fault::drops_labels) && machines.has_value())
    for (Machine& machine : *machines) machine.labels.erase("flame-process");
  to()->listed(ticket, std::move(machines));
}

void FaultyBackend::closed() noexcept {
  if (!has(Fault::closes_late)) to()->closed();
  if (has(Fault::speaks_after_closed)) to()->log(0, "one more thing");
  if (has(Fault::closes_late)) later(kLate, [this] { to()->closed(); });
}

}  // namespace flame::test
