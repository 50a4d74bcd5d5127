// Boots, late boots, exits, ends.
#include "host/src/loop/machines.hpp"

#include <algorithm>
#include <set>
#include <tuple>
#include <type_traits>
#include <variant>
#include <vector>

#include "host/src/policy/boot_progress.hpp"
#include "plugin_sdk/base/assert.hpp"
#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/make_error.hpp"

namespace flame::pool {
namespace {

BootFailure failure(ErrorCode code, std::string message, Remedy remedy) {
  return {.error = base::make_error(code, std::move(message)), .remedy = remedy};
}

// A backend may have kept more. On whole lines, if there are any.
void cut(std::string& tail) {
  if (tail.size() <= limits::kLogTailMax) return;
  tail.erase(0, tail.size() - limits::kLogTailMax);
  const std::size_t line = tail.find('\n');
  if (line != std::string::npos && line + 1 < tail.size()) tail.erase(0, line + 1);
}

std::string with_tail(const std::string& words, const std::string& tail) {
  return tail.empty() ? words : words + "; its last output:\n" + tail;
}

Reaping::Parts reaping_parts(const Machines::Parts& all) {
  Reaping::Parts parts = all.reaping;
  parts.identity = all.identity;
  parts.unix_time = all.unix_time;
  parts.log = all.log;
  return parts;
}

MachineQuestions::Parts question_parts(const Machines::Parts& all) {
  MachineQuestions::Parts parts = all.questions;
  parts.host = all.identity.host;
  parts.origin = all.identity.origin;
  parts.is_gone = all.reaping.is_gone;
  parts.unix_time = all.unix_time;
  return parts;
}

}  // namespace

Machines::Machines(Parts parts)
    : identity_(parts.identity),
      unix_time_(parts.unix_time),
      log_(parts.log),
      destroys_(parts.reaping.seed),
      reaping_(reaping_parts(parts)),
      questions_(question_parts(parts)),
      lookups_(parts.identity.host) {
  for (auto& [name, backend] : parts.backends) {
    const auto number = static_cast<std::uint32_t>(numbered_.size());
    const auto port = std::make_shared<BackendPort>(number, std::move(backend), parts.inbox, log_);
    numbered_.push_back(port.get());
    ports_[name] = port;
  }
  for (const auto& [name, max] : parts.max) room_.limit(name, max);
}

void Machines::open() {
  for (const auto& [name, port] : ports_) {
    if (const std::string thrown = port->open(); !thrown.empty()) log_.error(thrown);
  }
}

BackendPort& Machines::port_of(const std::string& backend) const {
  const auto found = ports_.find(backend);
  FLAME_ASSERT(found != ports_.end(), "every pool's backend is made before the loop starts");
  return *found->second;
}

const BackendTraits& Machines::traits(const std::string& backend) const {
  return port_of(backend).backend().traits();
}

void Machines::boot(RunnerKey runner, const std::string& backend, BootRequest request) {
  BackendPort& port = port_of(backend);
  const MachineName name = machine_name(identity_.run, ++booted_);
  request.name = name;
  const auto until = machine_until(unix_time_(), port.backend().traits(), request);
  request.labels = machine_labels(name, request.pool, identity_, until);
  const std::string& known = ports_.find(backend)->first;
  entries_[name] = {.runner = runner, .backend = &known, .port = &port};
  room_.taken(known);
  names_[runner] = name;
  if (closing()) return port.booted(name, failure(ErrorCode::shutting_down, "the host shuts down", Remedy::permanent));
  if (const std::string thrown = port.boot(std::move(request)); !thrown.empty()) {
    port.booted(name, failure(ErrorCode::boot_failed, thrown, Remedy::retry));
  }
}

void Machines::on(command::BackendSaid&& said, Instant now) {
  BackendPort& port = *numbered_.at(said.backend);
  const auto take = [&](auto& what) {
    using What = std::remove_reference_t<decltype(what)>;
    if constexpr (std::is_same_v<What, command::BackendSaid::Opened>) {
      if (!closing()) reaping_.opened(port, now);
    } else if constexpr (!std::is_same_v<What, command::BackendSaid::Closed>) {
      on(port, what, now);
    }
  };
  std::visit(take, *said.what);
}

// A backend that speaks of another's machine is not listened to.
Machines::Entries::iterator Machines::find(const BackendPort& port, const MachineName& name) {
  const auto found = entries_.find(name);
  return found != entries_.end() && found->second.port == &port ? found : entries_.end();
}

void Machines::on(BackendPort& port, command::BackendSaid::Reached& reached, Instant now) {
  const auto at = find(port, reached.name);
  if (at == entries_.end() || at->second.answered || at->second.destroyed || closing()) return;
  Entry& entry = at->second;
  reached.detail.resize(std::min(reached.detail.size(), limits::kHistoryTextMax));
  if (entry.phase == reached.phase && entry.detail == reached.detail) return;  // of a backend that looks every second
  entry.phase = reached.phase;
  entry.detail = reached.detail;
  log_.log(reached.phase == BootPhase::queued ? base::LogLevel::info : base::LogLevel::debug, "a boot has come further",
           {{"backend", port.name()},
            {"machine", reached.name},
            {"phase", to_string(reached.phase)},
            {"detail", reached.detail}});
  events_.on_phase(at->second.runner, reached.phase, std::move(reached.detail), now);
}

void Machines::on(BackendPort& port, command::BackendSaid::Booted& booted, Instant now) {
  const auto at = find(port, booted.name);
  if (at == entries_.end()) {
    const bool ours = is_machine_of(identity_.run, booted.name) && !entries_.contains(booted.name);
    if (booted.outcome.has_value() && ours) {
      const std::string thrown = port.destroy(booted.name, booted.outcome->id);  // nobody waits for it any more
      if (!thrown.empty()) log_.warning(thrown, {{"machine", booted.name}});
    }
    return;
  }
  Entry& entry = at->second;
  if (std::exchange(entry.answered, true)) return;  // a backend that answers one boot twice
  if (booted.outcome.has_error()) return has_failed(at, booted.outcome.error(), now);
  is_there(at, *booted.outcome, now);
}

void Machines::is_there(Entries::iterator at, const Machine& machine, Instant now) {
  Entry& entry = at->second;
  entry.exists = true;
  entry.id = machine.id;
  if (entry.destroyed) return static_cast<void>(destroy(at));  // it came up all the same
  const RunnerKey runner = entry.runner;
  const Duration ends_in = machine.ends_in;
  events_.on_boot(runner, std::nullopt, now);
  events_.on_ends(runner, ends_in, true, now);
}

void Machines::on(BackendPort& port, command::BackendSaid::Ending& ending, Instant now) {
  const auto at = find(port, ending.name);
  if (at == entries_.end() || !at->second.exists || at->second.destroyed || closing()) return;
  events_.on_ends(at->second.runner, ending.left, false, now);
}

void Machines::has_failed(Entries::iterator at, const BootFailure& failure, Instant now) {
  const RunnerKey runner = at->second.runner;
  const bool awaited = !at->second.destroyed;
  if (failure.may_exist && awaited && !closing() && events_.is_connected(runner)) {
    // Calls may run there.
    return lookups_.ask(*at->second.port, at->first);
  }
  if (failure.may_exist) {
    // Nothing is retried beside a machine that may be there: told when its backend has looked for it.
    if (awaited) at->second.failed = failure;
    if (!destroy(at)) tell_failed(runner, std::exchange(at->second.failed, std::nullopt), now);
    return;
  }
  names_.erase(runner);
  forget(at);
  if (awaited) tell_failed(runner, failure, now);
}

void Machines::tell_failed(RunnerKey runner, std::optional<BootFailure> failure, Instant now) {
  if (!failure || closing()) return;
  cut(failure->error.log_tail);
  events_.on_boot(runner, std::move(failure), now);
}

void Machines::on(BackendPort& port, command::BackendSaid::Exited& exited, Instant now) {
  const auto at = find(port, exited.name);
  if (at == entries_.end() || !at->second.exists || std::exchange(at->second.exited, true)) return;
  const RunnerKey runner = at->second.runner;
  if (!at->second.left.empty()) give_room_back(at->second);
  cut(exited.exit.log_tail);
  if (!closing()) events_.on_exit(runner, with_tail(exited.exit.reason, exited.exit.log_tail), now);
}

void Machines::on(BackendPort& port, command::BackendSaid::Destroyed& destroyed, Instant now) {
  const auto at = find(port, destroyed.name);
  questions_.destroyed(port, destroyed);
  if (at == entries_.end()) return reaping_.destroyed(port, destroyed);
  if (!at->second.destroyed) return;
  const RunnerKey runner = at->second.runner;
  auto failed = std::exchange(at->second.failed, std::nullopt);
  if (destroyed.left) {
    left(*at, destroyed.left->message);
  } else {
    if (!at->second.left.empty())
      log_.info("a machine that could not be ended is gone", {{"backend", port.name()}, {"machine", destroyed.name}});
    at->second.gone = true;
    at->second.left.clear();
    destroys_.gone(destroyed.name);
    if (at->second.answered) forget(at);
  }
  tell_failed(runner, std::move(failed), now);
}

void Machines::forget(Entries::iterator at) {
  give_room_back(at->second);
  destroys_.forget(at->first);
  entries_.erase(at);
}

void Machines::give_room_back(Entry& entry) {
  if (!std::exchange(entry.has_room, false)) return;
  room_.left(*entry.backend);
}

void Machines::on(BackendPort& port, command::BackendSaid::Listed& listed, Instant now) {
  if (const auto machine = lookups_.listed(port, listed)) {
    const auto at = find(port, machine->name);
    const bool awaited = at != entries_.end() && !at->second.exists && !at->second.destroyed && !closing();
    return awaited ? is_there(at, *machine, now) : void();
  }
  std::set<MachineName> ours;
  for (const auto& [name, entry] : entries_) ours.insert(name);
  if (!reaping_.listed(port, listed, ours, now)) questions_.listed(port, listed, ours);
}

void Machines::on(BackendPort& port, command::BackendSaid::Logged& logged, Instant now) {
  const auto asked = [&](const auto& entry) {
    return entry.second.port == &port && entry.second.log_ticket == logged.ticket;
  };
  const auto at = std::ranges::find_if(entries_, asked);
  if (at == entries_.end()) return questions_.logged(port, logged);
  if (logged.text.has_error() || at->second.destroyed || closing()) return;
  cut(*logged.text);
  const RunnerKey runner = at->second.runner;
  events_.on_log(runner, std::move(*logged.text), now);
}

void Machines::ask(std::shared_ptr<control::Question> question, Instant now) {
  if (closing()) return;
  auto& request = std::get<control::MachinesRequest>(question->request);
  const auto meant = [&](const auto& entry) {
    return entry.second.port->name() == request.backend && entry.second.id == request.machine;
  };
  // `flame status` shows ids, and backends go by names.
  const bool by_id = request.kind == control::MachinesRequest::Kind::log && !request.machine.empty() &&
                     !entries_.contains(request.machine);
  const auto own = by_id ? std::ranges::find_if(entries_, meant) : entries_.end();
  if (own != entries_.end()) std::tie(request.machine, request.id) = std::tie(own->first, own->second.id);
  questions_.ask(std::move(question), ports_, now);
}

void Machines::tick(Instant now) {
  reaping_.tick(now);
  questions_.tick(now);
  if (closing()) return;  // close() was their last chance
  for (const MachineName& name : destroys_.due(now)) destroy(entries_.find(name));
}

Instant Machines::next_wakeup() const {
  const Instant again = closing() ? kNever : destroys_.next_wakeup();
  return std::min({close_by_, again, reaping_.next_wakeup(), questions_.next_wakeup()});
}

MachineMaker::Called Machines::machine_of(RunnerKey runner) const {
  const auto name = names_.find(runner);
  return name == names_.end() ? Called() : Called{name->second, entries_.at(name->second).id};
}

void Machines::destroy(RunnerKey runner) {
  if (const auto name = names_.find(runner); name != names_.end()) destroy(entries_.find(name->second));
}

void Machines::ask_log(RunnerKey runner) {
  const auto name = names_.find(runner);
  if (name == names_.end()) return;
  Entry& entry = entries_.at(name->second);
  entry.log_ticket = entry.port->logs({.name = name->second, .id = entry.id}, limits::kLogTailMax);
}

// False: its backend has thrown, and will not answer.
bool Machines::destroy(Entries::iterator at) {
  Entry& entry = at->second;
  entry.gone = false;
  if (!std::exchange(entry.destroyed, true)) names_.erase(entry.runner);
  destroys_.asked(at->first);
  const std::string thrown = entry.port->destroy(at->first, entry.id);
  if (!thrown.empty()) left(*at, thrown);
  if (const auto surplus = destroys_.surplus()) forget(entries_.find(*surplus));
  return thrown.empty();
}

void Machines::left(Entries::value_type& machine, const std::string& why) {
  auto& [name, entry] = machine;
  destroys_.failed(name);
  if (entry.exited) give_room_back(entry);
  if (std::exchange(entry.left, why) == why || closing()) return;  // then finish() names it
  const std::string id = entry.id.empty() ? name : name + " (" + entry.id + ")";
  events_.on_left(entry.runner, why + ". See that machine " + id + " of backend \"" + entry.port->name() + "\" ends.");
}

void Machines::close(Instant now) {
  if (closing()) return;
  close_by_ = base::deadline_after(now, limits::kBackendCloseMax + kLastWord);
  reaping_.stop();
  std::vector<MachineName> alive;  // those whose end is under way are not asked again
  for (const auto& [name, entry] : entries_)
    if (!entry.destroyed || !entry.left.empty()) alive.push_back(name);
  for (const MachineName& name : alive)
    if (const auto at = entries_.find(name); at != entries_.end()) destroy(at);
  for (const auto& [name, port] : ports_) {
    if (port->is_closed()) continue;
    if (const std::string thrown = port->close(limits::kBackendCloseMax); !thrown.empty()) log_.error(thrown);
  }
}

bool Machines::closed(Instant now) const {
  if (!closing()) return false;
  return now >= close_by_ || std::ranges::all_of(ports_, [](const auto& port) { return port.second->is_closed(); });
}

void Machines::finish(Instant now, bool all_heard) {
  close(now);
  for (const auto& [name, port] : ports_) {
    if (port->wait_closed(close_by_)) continue;
    log_.warning("a backend does not end in time", {{"backend", name}});
    port->live_on(port);
  }
  for (const auto& [name, entry] : entries_) {
    const bool told = all_heard || !entry.port->is_closed();
    if (!told || entry.exited || entry.gone) continue;
    const bool lists = entry.port->backend().traits().lists;  // then the next host's reaper finds it
    log_.warning(lists ? "a machine may be left; `flame machines list` shows it, and so does the next host of this name"
                       : "a machine may be left; see that it ends",
                 {{"backend", entry.port->name()},
                  {"machine", name},
                  {"id", entry.id},
                  {"why", entry.left.empty() ? "its end was not told" : entry.left}});
  }
}

}  // namespace flame::pool
