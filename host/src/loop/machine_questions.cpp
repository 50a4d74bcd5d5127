// Asks backends, and puts their answers together.
#include "host/src/loop/machine_questions.hpp"

#include <unistd.h>

#include <algorithm>
#include <iterator>

#include "host/src/trace/machine_status.hpp"
#include "plugin_sdk/base/clock.hpp"
#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/make_error.hpp"
#include "plugin_sdk/base/suggest.hpp"

namespace flame::pool {
namespace {

using Kind = control::MachinesRequest::Kind;

constexpr const char* kLate = "the engine has not answered yet; ask again, or ask it yourself with --config FILE";

Error unknown_backend(const std::string& name, const MachineQuestions::Ports& ports) {
  std::vector<std::string> names;
  for (const auto& [known, port] : ports) names.push_back(known);
  return base::make_error(ErrorCode::not_found,
                          "this host uses no backend \"" + name + "\"" + base::did_you_mean(name, names));
}

}  // namespace

const control::MachinesRequest& MachineQuestions::request_of(const Open& open) const {
  return std::get<control::MachinesRequest>(open.question->request);
}

void MachineQuestions::ask(std::shared_ptr<control::Question> question, const Ports& ports, Instant now) {
  open_.push_back({.question = std::move(question), .deadline = now + limits::kMachineAnswerMax});
  Open& open = open_.back();
  const auto last = std::prev(open_.end());
  if (request_of(open).kind == Kind::list) {
    list(open, ports);
    if (open.tickets.empty()) answer(last, std::move(open.list));
  } else if (auto error = begin_one(open, ports)) {
    answer(last, std::move(*error));
  }
}

void MachineQuestions::list(Open& open, const Ports& ports) const {
  open.list.host = parts_.host_name;
  open.list.pid = ::getpid();
  for (const auto& [name, port] : ports) {
    const bool lists = port->backend().traits().lists;
    open.list.backends.push_back({.backend = name, .lists = lists, .error = lists ? kLate : "", .machines = {}});
    if (lists) open.tickets[port.get()] = port->list({{"flame-host", parts_.host}});
  }
}

std::optional<Error> MachineQuestions::begin_one(Open& open, const Ports& ports) const {
  const control::MachinesRequest& request = request_of(open);
  const auto found = ports.find(request.backend);
  if (found == ports.end()) return unknown_backend(request.backend, ports);
  BackendPort& port = *found->second;
  if (request.kind == Kind::log) {
    open.tickets[&port] = port.logs({.name = request.machine, .id = request.id}, limits::kMachineLogMax);
    return std::nullopt;
  }
  open.destroys = request.machine;
  open.destroyer = &port;
  const std::string thrown = port.destroy(request.machine, request.id);
  return thrown.empty() ? std::nullopt : std::optional(base::make_error(ErrorCode::boot_failed, thrown));
}

MachineQuestions::Opens::iterator MachineQuestions::find(BackendPort& port, std::uint64_t ticket) {
  return std::ranges::find_if(open_, [&](const Open& open) {
    const auto awaited = open.tickets.find(&port);
    return awaited != open.tickets.end() && awaited->second == ticket;
  });
}

void MachineQuestions::listed(BackendPort& port, const command::BackendSaid::Listed& listed,
                              const std::set<MachineName>& ours) {
  const auto at = find(port, listed.ticket);
  if (at == open_.end()) return;
  at->tickets.erase(&port);
  const auto told = std::ranges::find(at->list.backends, port.name(), &control::BackendMachines::backend);
  const control::MachineView view{
      .from = {.host = parts_.host, .origin = parts_.origin, .unix_time = parts_.unix_time()},
      .is_gone = parts_.is_gone,
      .ours = ours,
      .names = control::label_names(parts_.host_name, parts_.pools)};
  *told = control::backend_machines(port.name(), listed.machines, view);
  if (at->tickets.empty()) answer(at, std::move(at->list));
}

void MachineQuestions::logged(BackendPort& port, command::BackendSaid::Logged& logged) {
  const auto at = find(port, logged.ticket);
  if (at == open_.end()) return;
  if (logged.text.has_error()) return answer(at, logged.text.error());
  answer(at, control::MachineReport{.machine = request_of(*at).machine, .log = std::move(*logged.text)});
}

void MachineQuestions::destroyed(BackendPort& port, const command::BackendSaid::Destroyed& destroyed) {
  const auto asked = [&](const Open& open) { return open.destroyer == &port && open.destroys == destroyed.name; };
  for (auto at = open_.begin(); (at = std::ranges::find_if(open_, asked)) != open_.end();) {
    if (destroyed.left) {
      answer(at, *destroyed.left);
    } else {
      answer(at, control::MachineReport{.machine = destroyed.name, .log = {}});
    }
  }
}

// A list says for each backend what has come.
control::Answer MachineQuestions::overdue(Open& open) const {
  if (request_of(open).kind == Kind::list) return std::move(open.list);
  return base::make_error(ErrorCode::timed_out, kLate);
}

void MachineQuestions::tick(Instant now) {
  const auto late = [now](const Open& open) { return open.deadline <= now; };
  for (auto at = open_.begin(); (at = std::ranges::find_if(open_, late)) != open_.end();) answer(at, overdue(*at));
}

Instant MachineQuestions::next_wakeup() const {
  Instant wake = kNever;
  for (const Open& open : open_) wake = std::min(wake, open.deadline);
  return wake;
}

// Forgotten first: a reply that throws is not given again.
void MachineQuestions::answer(Opens::iterator at, control::Answer answer) {
  const auto question = std::move(at->question);
  open_.erase(at);
  question->reply(std::move(answer));
}

}  // namespace flame::pool
