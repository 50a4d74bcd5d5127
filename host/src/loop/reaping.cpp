// One reaper for each backend that lists.
#include "host/src/loop/reaping.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include "plugin_sdk/base/limits.hpp"

namespace flame::pool {
namespace {

const char* why(MachineOwner owner) {
  return owner == MachineOwner::expired ? "the end of its life has passed" : "the process of its host does not exist";
}

}  // namespace

Reaping::Reaping(Parts parts) : parts_(std::move(parts)) {}

Reaping::Watched* Reaping::find(const BackendPort& port) {
  const auto found = watched_.find(port.name());
  return found == watched_.end() ? nullptr : &found->second;
}

void Reaping::opened(BackendPort& port, Instant now) {
  if (!port.backend().traits().lists) return;
  const auto mode = parts_.modes.find(port.name());
  Reaper reaper({.mode = mode == parts_.modes.end() ? Reap::report : mode->second,
                 .host = parts_.identity.host,
                 .origin = parts_.identity.origin,
                 .boot_max = parts_.boot_max,
                 .seed = parts_.seed + watched_.size()});
  const auto watched = watched_.try_emplace(port.name(), Watched{.port = &port, .reaper = std::move(reaper)}).first;
  watched->second.reaper.opened(now);
}

void Reaping::tick(Instant now) {
  for (auto& [name, watched] : watched_) {
    if (watched.reaper.tick(now)) watched.ticket = watched.port->list(watched.reaper.scope());
  }
}

Instant Reaping::next_wakeup() const {
  Instant wake = kNever;
  for (const auto& [name, watched] : watched_) wake = std::min(wake, watched.reaper.next_wakeup());
  return wake;
}

bool Reaping::listed(BackendPort& port, const command::BackendSaid::Listed& listed, const std::set<MachineName>& ours,
                     Instant now) {
  Watched* const found = find(port);
  if (found == nullptr || found->ticket != listed.ticket) return false;
  Watched& watched = *found;
  watched.ticket = 0;
  if (listed.machines.has_error()) {
    watched.reaper.failed(now);
    if (!std::exchange(watched.unanswered, true)) {
      parts_.log.warning("a backend does not list its machines: what a host has left there is not found",
                         {{"backend", port.name()}, {"error", listed.machines.error().message}});
    }
    return true;
  }
  watched.unanswered = false;
  const Reaper::Known known{
      .gone = gone_of(watched.reaper.processes(*listed.machines)), .ours = ours, .unix_time = parts_.unix_time()};
  act(port, watched, watched.reaper.listed(*listed.machines, known, now));
  return true;
}

std::set<HostProcess> Reaping::gone_of(const std::set<HostProcess>& processes) const {
  std::set<HostProcess> gone;
  if (!parts_.is_gone) return gone;
  std::ranges::copy_if(processes, std::inserter(gone, gone.end()), parts_.is_gone);
  return gone;
}

void Reaping::act(BackendPort& port, Watched& watched, const Reaper::Findings& findings) {
  tell(port, watched.reaper.mode(), findings);
  watched.destroyed.clear();  // an answer that has not come in a minute is told by the next list
  for (const Reaper::Finding& machine : findings.destroy) {
    watched.destroyed.insert(machine.name);
    const std::string thrown = port.destroy(machine.name, machine.id);
    if (!thrown.empty()) destroyed(port, {machine.name, Error{.message = thrown}});
  }
}

void Reaping::tell(const BackendPort& port, Reap mode, const Reaper::Findings& findings) const {
  const char* const what =
      mode == Reap::destroy
          ? "a machine that a host has left is destroyed"
          : "a host has left a machine, which may cost money; `flame machines list` shows it, `flame machines reap` "
            "destroys it, and so does this host with reap = \"destroy\" in the backend's table";
  for (const Reaper::Finding& machine : findings.news) {
    const auto age = std::chrono::duration_cast<std::chrono::seconds>(machine.age).count();
    parts_.log.warning(what, {{"backend", port.name()},
                              {"machine", machine.name},
                              {"id", machine.id},
                              {"pool", machine.pool},
                              {"age_seconds", age},
                              {"why", why(machine.owner)}});
  }
  if (findings.more_news == 0) return;
  parts_.log.warning("and more such machines", {{"backend", port.name()}, {"count", findings.more_news}});
}

void Reaping::destroyed(BackendPort& port, const command::BackendSaid::Destroyed& destroyed) {
  Watched* const found = find(port);
  if (found == nullptr || found->destroyed.erase(destroyed.name) == 0) return;
  std::set<MachineName>& left = found->left;
  if (!destroyed.left) {
    left.erase(destroyed.name);
  } else if (left.size() < limits::kReapMachinesMax && left.insert(destroyed.name).second) {
    parts_.log.warning("a machine that a host has left could not be destroyed; every list tries again",
                       {{"backend", port.name()}, {"machine", destroyed.name}, {"error", destroyed.left->message}});
  }
}

}  // namespace flame::pool
