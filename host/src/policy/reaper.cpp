// Lists in, findings out.
#include "host/src/policy/reaper.hpp"

#include <algorithm>
#include <span>

#include "host/src/policy/machine_names.hpp"
#include "plugin_sdk/base/limits.hpp"

namespace flame::pool {
namespace {

Duration sum(Duration a, Duration b) {
  return a >= kForever - b ? kForever : a + b;
}

std::span<const Machine> looked_at(const std::vector<Machine>& machines) {
  return std::span(machines).first(std::min(machines.size(), limits::kReapMachinesMax));
}

Reaper::Finding finding_of(const Machine& machine, MachineOwner owner) {
  const auto pool = machine.labels.find("flame-pool");
  return {.name = machine.name,
          .id = machine.id,
          .pool = pool == machine.labels.end() ? std::string() : pool->second,
          .owner = owner,
          .age = machine.age};
}

}  // namespace

Duration longest_boot(const HostConfig& config) {
  Duration longest{};
  for (const auto& [name, pool] : config.pools) longest = std::max(longest, sum(pool.queue_timeout, pool.boot_timeout));
  return sum(longest, config.liveness.failsafe);
}

Reaper::Reaper(Options options) : options_(std::move(options)), random_(options_.seed) {}

void Reaper::opened(Instant now) {
  if (next_list_ == kNever) next_list_ = now + limits::kReapFirst;
}

bool Reaper::tick(Instant now) {
  if (now < next_list_) return false;
  next_list_ = now + limits::kListAnswerMax;
  return true;
}

// Hosts that were started together must not ask their engine together.
void Reaper::plan_next(Instant now) {
  const auto spread = static_cast<std::uint64_t>(Duration(limits::kReapEvery).count() / 5);
  const auto jitter = static_cast<Duration::rep>(random_() % (spread + 1));
  next_list_ = now + Duration(limits::kReapEvery) * 9 / 10 + Duration(jitter);
}

std::set<HostProcess> Reaper::processes(const std::vector<Machine>& machines) const {
  std::set<HostProcess> processes;
  for (const Machine& machine : looked_at(machines)) {
    if (const auto process = process_of(machine.labels, options_.origin)) processes.insert(*process);
  }
  return processes;
}

MachineOwner Reaper::judge(const Machine& machine, const Known& known) const {
  if (known.ours.contains(machine.name)) return MachineOwner::living;
  const auto process = process_of(machine.labels, options_.origin);
  return owner_of(machine, {.host = options_.host, .origin = options_.origin, .unix_time = known.unix_time},
                  process && known.gone.contains(*process));
}

Reaper::Findings Reaper::listed(const std::vector<Machine>& machines, const Known& known, Instant now) {
  plan_next(now);
  Findings findings;
  Suspects suspects;
  std::vector<Finding> old;
  for (const Machine& machine : looked_at(machines)) {
    const MachineOwner owner = judge(machine, known);
    if (!is_abandoned(owner)) continue;
    const auto before = suspects_.find({machine.name, machine.id});
    const auto [suspect, first] = suspects.try_emplace({machine.name, machine.id});
    if (before == suspects_.end() || !first) continue;
    suspect->second = before->second;
    if (machine.age <= options_.boot_max) continue;
    old.push_back(finding_of(machine, owner));
  }
  suspects_ = std::move(suspects);
  const std::vector<Finding> found = options_.mode == Reap::destroy ? to_destroy(std::move(old)) : std::move(old);
  for (const Finding& one : found)
    if (!std::exchange(suspects_.at({one.name, one.id}).told, true)) tell(findings, one);
  if (options_.mode == Reap::destroy) findings.destroy = found;
  return findings;
}

std::vector<Reaper::Finding> Reaper::to_destroy(std::vector<Finding> old) {
  std::ranges::stable_sort(old, {}, [&](const Finding& one) { return suspects_.at({one.name, one.id}).destroys; });
  if (old.size() > limits::kReapsPerList) old.resize(limits::kReapsPerList);
  for (const Finding& one : old) ++suspects_.at({one.name, one.id}).destroys;
  return old;
}

void Reaper::tell(Findings& findings, Finding finding) {
  if (findings.news.size() < limits::kReapLinesMax) {
    findings.news.push_back(std::move(finding));
  } else {
    ++findings.more_news;
  }
}

void Reaper::failed(Instant now) {
  plan_next(now);
  suspects_.clear();
}

}  // namespace flame::pool
