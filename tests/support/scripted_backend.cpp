// Each call reaches the engine after its latency; what the engine tells becomes events.
#include "tests/support/scripted_backend.hpp"

#include <algorithm>
#include <vector>

namespace flame::test {
namespace {

const std::string kSilent = "the engine does not answer: see that it runs";

BootFailure failure(ErrorCode code, std::string message, Remedy remedy) {
  return {.error = {.code = code, .message = std::move(message)}, .remedy = remedy};
}

Error no_answer() {
  return {.code = ErrorCode::boot_failed, .message = kSilent + "."};
}

BootFailure belongs_to_another(const Machine& machine) {
  const auto owner = machine.labels.find("flame-host");
  return failure(ErrorCode::boot_failed,
                 "there is a machine " + machine.name + " already, of host " +
                     (owner == machine.labels.end() ? "unknown" : owner->second) + ".",
                 Remedy::permanent);
}

}  // namespace

ScriptedBackend::ScriptedBackend(std::string name, BackendTraits traits, ScriptedEngine& engine)
    : name_(std::move(name)), traits_(traits), engine_(engine) {
  engine_.attach(*this);
}

ScriptedBackend::~ScriptedBackend() {
  engine_.detach(*this);
}

void ScriptedBackend::later(Duration delay, std::function<void()> task) {
  engine_.agenda().in(delay, [this, alive = std::weak_ptr(alive_), task = std::move(task)] {
    if (alive.expired() || closed_) return;
    task();
    close_if_done();
  });
}

void ScriptedBackend::call(std::function<void()> work, std::function<void()> gives_up) {
  later(engine_.latency, [this, work = std::move(work), gives_up = std::move(gives_up)] {
    if (!engine_.is_down()) return work();
    later(engine_.patience, gives_up);
  });
}

ScriptedBackend::Entry* ScriptedBackend::find(const MachineName& name) {
  const auto found = entries_.find(name);
  return found == entries_.end() ? nullptr : &found->second;
}

bool ScriptedBackend::owns(const Machine& machine) const {
  const auto found = entries_.find(machine.name);
  return found != entries_.end() && found->second.labels == machine.labels;
}

void ScriptedBackend::open(BackendEvents& events) {
  events_ = &events;
  call([this] { events_->opened(EngineFacts{.engine = "Scripted 1.0", .image = {}, .plugins = {}}); },
       [this] { events_->opened(failure(ErrorCode::boot_failed, kSilent + ".", Remedy::retry)); });
}

void ScriptedBackend::boot(BootRequest request) {
  const MachineName name = request.name;
  const auto [at, added] = entries_.try_emplace(name);
  if (added) at->second.labels = request.labels;
  ++at->second.boots;
  if (closing_) {
    later({}, [this, name] { answer(name, given_up(name, false)); });
    return;
  }
  call([this, request = std::move(request)] { submit(request); },
       [this, name] { answer(name, failure(ErrorCode::boot_failed, kSilent + ".", Remedy::retry)); });
}

void ScriptedBackend::submit(const BootRequest& request) {
  Entry* const entry = find(request.name);
  if (entry == nullptr || entry->boots == 0) return;
  if (const Unit* const unit = engine_.find(request.name)) {
    if (unit->machine.labels != request.labels) return answer_once(request.name, belongs_to_another(unit->machine));
    return moved(Unit(*unit));
  }
  auto bytes = request.descriptor->bytes({.ipc = traits_.same_kernel, .addresses = {"192.0.2.1"}});
  if (!bytes) return answer(request.name, BootFailure{.error = bytes.error(), .remedy = Remedy::permanent});
  entry->submitted = true;
  engine_.submit(request, std::move(*bytes));
}

void ScriptedBackend::moved(const Unit& unit) {
  Entry* const entry = find(unit.machine.name);
  if (entry == nullptr || entry->boots == 0 || entry->labels != unit.machine.labels) return;
  const int phase = static_cast<int>(unit.phase);
  const bool hidden = unit.phase == BootPhase::queued && !traits_.queues;
  if (!hidden && phase > std::exchange(entry->phase, std::max(entry->phase, phase)))
    events_->phase(unit.machine.name, unit.phase, unit.phase == BootPhase::queued ? "no room yet" : "");
  if (unit.phase != BootPhase::started) return;
  if (unit.fate.answer == Duration::zero()) return answer_started(unit.machine.name);
  later(unit.fate.answer, [this, name = unit.machine.name] { answer_started(name); });
}

void ScriptedBackend::answer_started(const MachineName& name) {
  const Unit* const unit = engine_.find(name);
  if (engine_.is_down()) return;  // came_back() looks again
  if (unit == nullptr) {
    const MachineExit exit = engine_.exit_of(name);
    BootFailure ended = failure(ErrorCode::boot_failed, name + " has ended: " + exit.reason + ".", Remedy::retry);
    ended.error.log_tail = exit.log_tail;
    return answer(name, ended);
  }
  if (!engine_.loses_answer(name)) return tell_booted(Unit(*unit));
  BootFailure lost = failure(ErrorCode::boot_failed, "the engine's answer was lost.", Remedy::retry);
  lost.may_exist = true;
  answer(name, lost);
}

// What was announced before is no end that is known from the start.
void ScriptedBackend::tell_booted(const Unit& unit) {
  const Duration left = base::remaining(unit.ends_at, engine_.agenda().now());
  Machine machine = engine_.tell(unit);
  if (unit.notice.empty() || !traits_.ends_machines) return answer(unit.machine.name, machine);
  machine.ends_in = base::remaining(base::deadline_after(unit.born, unit.fate.ends_in), engine_.agenda().now());
  answer(unit.machine.name, machine);
  ending(unit.machine.name, left, unit.notice);
}

void ScriptedBackend::failed(const MachineName& name, const BootFailure& failure) {
  const Entry* const entry = find(name);
  if (entry == nullptr || !entry->submitted) return;
  answer(name, entry->destroys > 0 || closing_ ? given_up(name, false) : failure);
}

BootFailure ScriptedBackend::given_up(const MachineName& name, bool may_exist) const {
  BootFailure cancelled = closing_
                              ? failure(ErrorCode::shutting_down, "the backend shuts down.", Remedy::permanent)
                              : failure(ErrorCode::cancelled, "machine " + name + " was destroyed.", Remedy::retry);
  cancelled.may_exist = may_exist;
  return cancelled;
}

void ScriptedBackend::answer_once(const MachineName& name, const BootOutcome& outcome) {
  Entry& entry = entries_.at(name);
  if (entry.boots == 0) return;
  --entry.boots;
  entry.booted = entry.booted || outcome.has_value();
  if (entry.boots == 0) entry.phase = -1;
  events_->booted(name, outcome);
}

void ScriptedBackend::answer(const MachineName& name, const BootOutcome& outcome) {
  const Entry* const entry = find(name);
  for (unsigned left = entry == nullptr ? 0 : entry->boots; left > 0; --left) answer_once(name, outcome);
}

void ScriptedBackend::died(const MachineName& name, const MachineExit& exit) {
  if (traits_.proves_death) tell_exit(name, exit);
}

void ScriptedBackend::tell_exit(const MachineName& name, const MachineExit& exit) {
  Entry* const entry = find(name);
  if (entry == nullptr || !entry->booted || std::exchange(entry->exited, true)) return;
  events_->exited(name, exit);
}

void ScriptedBackend::ending(const MachineName& name, Duration left, const std::string& why) {
  const Entry* const entry = find(name);
  if (traits_.ends_machines && entry != nullptr && entry->booted) events_->ending(name, left, why);
}

// What has happened meanwhile.
void ScriptedBackend::came_back() {
  const std::map<MachineName, Entry> before = entries_;
  for (const auto& [name, entry] : before) {
    const Unit* const unit = engine_.find(name);
    if (unit != nullptr)
      moved(Unit(*unit));
    else if (entry.booted)
      died(name, engine_.exit_of(name));
    else if (entry.submitted)
      failed(name, failure(ErrorCode::boot_failed, "machine " + name + " is gone.", Remedy::retry));
  }
}

void ScriptedBackend::destroy(const MachineName& name, const MachineId& /*id*/) {
  ++entries_[name].destroys;
  call([this, name] { destroy_now(name); }, [this, name] { leave(name, kSilent); });
}

void ScriptedBackend::destroy_now(const MachineName& name) {
  if (entries_.at(name).destroys == 0) return;
  if (!engine_.destroy(name)) return leave(name, "the engine refuses to end it");
  answer(name, given_up(name, false));
  tell_exit(name, engine_.exit_of(name));
  for (; entries_.at(name).destroys > 0; --entries_.at(name).destroys) events_->destroyed(name, std::nullopt);
}

void ScriptedBackend::leave(const MachineName& name, const std::string& why) {
  answer(name, given_up(name, true));
  const Error left{.code = ErrorCode::boot_failed, .message = why + ". End machine " + name + " by hand."};
  for (; entries_.at(name).destroys > 0; --entries_.at(name).destroys) events_->destroyed(name, left);
}

void ScriptedBackend::list(std::uint64_t ticket, const Labels& scope) {
  lists_.insert(ticket);
  call(
      [this, ticket, scope] {
        if (lists_.erase(ticket) == 0) return;
        std::vector<Machine> machines = engine_.list(scope);
        if (!traits_.lists) std::erase_if(machines, [this](const Machine& machine) { return !owns(machine); });
        events_->listed(ticket, std::move(machines));
      },
      [this, ticket] { answer_tickets({ticket}, {}); });
}

void ScriptedBackend::logs(std::uint64_t ticket, const Machine& machine, std::uint64_t bytes_max) {
  logs_.insert(ticket);
  call(
      [this, ticket, name = machine.name, bytes_max] {
        if (logs_.erase(ticket) == 0) return;
        const Unit* const unit = engine_.find(name);
        if (unit == nullptr)
          return events_->logged(ticket, Error{.code = ErrorCode::not_found, .message = "no machine " + name + "."});
        const std::string& log = unit->log;
        events_->logged(ticket, log.substr(log.size() - std::min<std::uint64_t>(log.size(), bytes_max)));
      },
      [this, ticket] { answer_tickets({}, {ticket}); });
}

void ScriptedBackend::answer_tickets(std::set<std::uint64_t> lists, std::set<std::uint64_t> logs) {
  for (const std::uint64_t ticket : lists)
    if (lists_.erase(ticket) > 0) events_->listed(ticket, no_answer());
  for (const std::uint64_t ticket : logs)
    if (logs_.erase(ticket) > 0) events_->logged(ticket, no_answer());
}

void ScriptedBackend::close(Duration within) {
  if (std::exchange(closing_, true)) return;
  for (const auto& [known, entry] : entries_) {
    if (entry.boots == 0 || entry.destroys > 0) continue;
    const auto give_up_boot = [this, name = known] { answer(name, given_up(name, true)); };
    const auto destroy_boot = [this, name = known] { answer(name, given_up(name, !engine_.destroy(name))); };
    call(destroy_boot, give_up_boot);
  }
  later(within, [this] { give_up(); });
  later({}, [] {});
}

void ScriptedBackend::give_up() {
  const std::map<MachineName, Entry> before = entries_;
  for (const auto& [name, entry] : before) leave(name, kSilent);
  answer_tickets(lists_, logs_);
}

void ScriptedBackend::close_if_done() {
  const auto open = [](const auto& entry) { return entry.second.boots > 0 || entry.second.destroys > 0; };
  if (!closing_ || !lists_.empty() || !logs_.empty() || std::ranges::any_of(entries_, open)) return;
  if (!std::exchange(closed_, true)) events_->closed();
}

}  // namespace flame::test
