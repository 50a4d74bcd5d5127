// Scheduler: indexes kept by every change, so that each decision is a look-up.
#include "host/src/policy/scheduler.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "plugin_sdk/base/assert.hpp"
#include "plugin_sdk/base/limits.hpp"

namespace flame::pool {

namespace {

// For one call, among runners with a free slot.
struct Search {
  using Places = std::set<std::tuple<BackendIndex, std::uint32_t, RunnerId>>;
  using Ages = std::set<std::pair<BackendIndex, RunnerId>>;
  const std::function<Instant(RunnerId)>& ends;
  Instant needs;
  Strategy strategy;

  [[nodiscard]] std::optional<RunnerId> of_all(const Places& places, const Ages& by_age) const {
    for (auto at = places.begin(); at != places.end();) {
      const BackendIndex backend = std::get<0>(*at);
      const auto end = places.lower_bound({backend + 1, 0, 0});
      std::size_t looks = limits::kFitRunnersMax;
      std::optional<RunnerId> found =
          strategy == Strategy::pack ? fullest(places, at, end, looks) : first(at, end, looks);
      if (!found && looks == 0) found = newest(by_age, backend);
      if (found) return found;
      at = end;
    }
    return std::nullopt;
  }

 private:
  [[nodiscard]] std::optional<RunnerId> first(Places::iterator at, Places::iterator end, std::size_t& looks) const {
    for (; at != end && looks > 0; ++at, --looks)
      if (ends(std::get<2>(*at)) >= needs) return std::get<2>(*at);
    return std::nullopt;
  }
  // Among equals the oldest, as choose().
  [[nodiscard]] std::optional<RunnerId> fullest(const Places& places, Places::iterator begin, Places::iterator end,
                                                std::size_t& looks) const {
    std::optional<RunnerId> found;
    while (!found && end != begin && looks > 0) {
      const auto& [backend, load, runner] = *std::prev(end);
      const auto equals = places.lower_bound({backend, load, 0});
      found = first(equals, end, looks);
      end = equals;
    }
    return found;
  }
  // Those that were booted for who needs so long.
  [[nodiscard]] std::optional<RunnerId> newest(const Ages& by_age, BackendIndex backend) const {
    auto at = by_age.lower_bound({backend + 1, 0});
    for (std::size_t i = 0; i < limits::kFitNewestMax && at != by_age.begin(); ++i) {
      --at;
      if (at->first != backend) break;
      if (ends(at->second) >= needs) return at->second;
    }
    return std::nullopt;
  }
};

}  // namespace

Scheduler::Scheduler(const Options& options)
    : capacity_(options.single_use ? 1 : options.capacity),
      strategy_(options.strategy),
      single_use_(options.single_use) {
  FLAME_ASSERT(options.capacity > 0, "a runner needs a slot");
}

void Scheduler::add_runner(RunnerId runner, std::span<const DigestId> digests, BackendIndex backend) {
  auto [it, fresh] = runners_.try_emplace(runner);
  FLAME_ASSERT(fresh, "a runner is added once");
  Runner& entry = it->second;
  entry.backend = backend;
  entry.digests.assign(digests.begin(), digests.end());
  std::ranges::sort(entry.digests);
  entry.digests.erase(std::unique(entry.digests.begin(), entry.digests.end()), entry.digests.end());
  for (DigestId digest : entry.digests) ++groups_[digest].servers;
  mark_idle(runner, entry, true);
  list(runner, entry);
}

bool Scheduler::close_runner(RunnerId runner) {
  auto it = runners_.find(runner);
  if (it == runners_.end() || !it->second.open) return false;
  unlist(runner, it->second);
  it->second.open = false;
  list(runner, it->second);
  mark_idle(runner, it->second, false);
  for (DigestId digest : it->second.digests) --groups_[digest].servers;
  return true;
}

void Scheduler::open_runner(RunnerId runner) {
  Runner& entry = runners_.at(runner);
  FLAME_ASSERT(!entry.open, "only what is closed is opened");
  entry.open = true;
  list(runner, entry);
  if (entry.held.empty() && !entry.used) mark_idle(runner, entry, true);
  for (DigestId digest : entry.digests) ++groups_[digest].servers;
}

std::vector<CallId> Scheduler::remove_runner(RunnerId runner) {
  close_runner(runner);
  auto it = runners_.find(runner);
  std::vector<CallId> held;
  if (it == runners_.end()) return held;
  std::vector<std::pair<std::uint64_t, CallId>> by_age;
  for (const auto& [call, lease] : it->second.held) {
    by_age.emplace_back(lease.number, call);
    --groups_.at(lease.digest).in_flight;
  }
  std::ranges::sort(by_age);
  for (const auto& [number, call] : by_age) held.push_back(call);
  in_flight_ -= held.size();
  runners_.erase(it);
  return held;
}

bool Scheduler::is_open(RunnerId runner) const {
  auto it = runners_.find(runner);
  return it != runners_.end() && it->second.open;
}

std::uint32_t Scheduler::leases(RunnerId runner) const {
  auto it = runners_.find(runner);
  return it == runners_.end() ? 0 : static_cast<std::uint32_t>(it->second.held.size());
}

void Scheduler::add_digest(RunnerId runner, DigestId digest) {
  Runner& entry = runners_.at(runner);
  const auto place = std::ranges::lower_bound(entry.digests, digest);
  if (place != entry.digests.end() && *place == digest) return;
  unlist(runner, entry);
  entry.digests.insert(place, digest);
  if (entry.has_room) groups_[digest].by_age.emplace(entry.backend, runner);
  list(runner, entry);
  if (entry.open) ++groups_[digest].servers;
}

void Scheduler::remove_digest(RunnerId runner, DigestId digest) {
  Runner& entry = runners_.at(runner);
  const auto place = std::ranges::lower_bound(entry.digests, digest);
  if (place == entry.digests.end() || *place != digest) return;
  unlist(runner, entry);
  entry.digests.erase(place);
  groups_.at(digest).by_age.erase({entry.backend, runner});
  list(runner, entry);
  if (entry.open) --groups_.at(digest).servers;
}

std::uint32_t Scheduler::servers(DigestId digest) const {
  auto it = groups_.find(digest);
  return it == groups_.end() ? 0 : it->second.servers;
}

std::optional<RunnerId> Scheduler::idle_runner() const {
  if (idle_.empty()) return std::nullopt;
  return idle_.rbegin()->second;
}

std::uint32_t Scheduler::idle_after(BackendIndex backend) const {
  std::uint32_t idle = 0;
  for (std::size_t later = std::size_t{backend} + 1; later < idle_of_.size(); ++later) idle += idle_of_[later];
  return idle;
}

void Scheduler::mark_idle(RunnerId id, Runner& runner, bool idle) {
  if (runner.idle == idle) return;
  runner.idle = idle;
  if (idle_of_.size() <= runner.backend) idle_of_.resize(std::size_t{runner.backend} + 1);
  if (idle) {
    idle_.emplace(runner.backend, id);
    ++idle_of_[runner.backend];
  } else {
    idle_.erase({runner.backend, id});
    --idle_of_[runner.backend];
  }
}

void Scheduler::enqueue(CallId call, DigestId digest, std::uint64_t order) {
  auto& queue = groups_[digest].queue;
  const std::size_t before = queue.size();
  const auto place = queue.emplace_hint(queue.end(), order, call);  // mostly the youngest
  FLAME_ASSERT(queue.size() == before + 1, "orders are unique");
  const bool fresh = waiters_.try_emplace(call, Waiter{digest, place}).second;
  FLAME_ASSERT(fresh, "a call waits once");
  with_waiters_.insert(digest);
}

bool Scheduler::remove_waiting(CallId call) {
  auto it = waiters_.find(call);
  if (it == waiters_.end()) return false;
  Group& group = groups_.at(it->second.digest);
  group.queue.erase(it->second.place);
  if (group.queue.empty()) with_waiters_.erase(it->second.digest);
  waiters_.erase(it);
  return true;
}

std::optional<Scheduler::Lease> Scheduler::next(const Fits* fits) {
  std::optional<Found> best;
  DigestId its_digest = 0;
  for (DigestId digest : with_waiters_) {
    const Group& group = groups_.at(digest);
    if (group.available.empty()) continue;
    const auto [order, call] = *group.queue.begin();
    if (best && order > best->order) continue;
    const std::optional<Found> one = fits != nullptr ? first_fit(group, *fits) : Found{order, {call, 0}};
    if (!one || (best && one->order > best->order)) continue;
    best = one;
    its_digest = digest;
  }
  if (!best) return std::nullopt;
  Lease found = best->lease;
  if (fits == nullptr) found.runner = choose(groups_.at(its_digest));
  remove_waiting(found.call);
  lease(found.call, its_digest, found.runner);
  return found;
}

std::optional<Scheduler::Found> Scheduler::first_fit(const Group& group, const Fits& fits) const {
  std::size_t looked = 0;
  std::size_t searches = 0;
  std::optional<Instant> too_long;
  for (const auto& [order, call] : group.queue) {
    if (++looked > limits::kLookWaitersMax || searches == limits::kFitWaitersMax) break;
    const Instant needs = fits.needs(call);
    if (too_long && needs >= *too_long) continue;
    ++searches;
    const Search search{fits.ends, needs, strategy_};
    if (const auto found = search.of_all(group.available, group.by_age)) return Found{order, {call, *found}};
    too_long = needs;
  }
  return std::nullopt;
}

bool Scheduler::release(RunnerId runner, CallId call) {
  auto it = runners_.find(runner);
  if (it == runners_.end()) return false;
  Runner& entry = it->second;
  const auto lease = entry.held.find(call);
  if (lease == entry.held.end()) return false;
  unlist(runner, entry);
  --groups_.at(lease->second.digest).in_flight;
  entry.held.erase(lease);
  --in_flight_;
  if (entry.held.empty() && entry.open && !entry.used) mark_idle(runner, entry, true);
  list(runner, entry);
  return true;
}

bool Scheduler::holds(RunnerId runner, CallId call) const {
  auto it = runners_.find(runner);
  return it != runners_.end() && it->second.held.contains(call);
}

std::uint64_t Scheduler::waiting(DigestId digest) const {
  const auto it = groups_.find(digest);
  return it == groups_.end() ? 0 : it->second.queue.size();
}

std::uint64_t Scheduler::in_flight(DigestId digest) const {
  const auto it = groups_.find(digest);
  return it == groups_.end() ? 0 : it->second.in_flight;
}

std::vector<CallId> Scheduler::holders(DigestId digest) const {
  std::vector<CallId> calls;
  for (const auto& [id, runner] : runners_)
    for (const auto& [call, lease] : runner.held)
      if (lease.digest == digest) calls.push_back(call);
  std::ranges::sort(calls);
  return calls;
}

std::vector<CallId> Scheduler::oldest_waiters(std::uint64_t skip, std::size_t most) const {
  using Waiting = std::map<std::uint64_t, CallId>::const_iterator;
  const auto later = [](const std::pair<Waiting, Waiting>& one, const std::pair<Waiting, Waiting>& other) {
    return one.first->first > other.first->first;
  };
  std::vector<std::pair<Waiting, Waiting>> queues;  // what is left of each; a heap
  for (DigestId digest : with_waiters_)
    queues.emplace_back(groups_.at(digest).queue.begin(), groups_.at(digest).queue.end());
  std::ranges::make_heap(queues, later);
  std::vector<CallId> calls;
  while (!queues.empty() && calls.size() < most) {
    std::ranges::pop_heap(queues, later);
    auto& [first, end] = queues.back();
    if (skip > 0)
      --skip;
    else
      calls.push_back(first->second);
    if (++first == end)
      queues.pop_back();
    else
      std::ranges::push_heap(queues, later);
  }
  return calls;
}

std::vector<CallId> Scheduler::waiters(DigestId digest) const {
  std::vector<CallId> calls;
  auto it = groups_.find(digest);
  if (it == groups_.end()) return calls;
  for (const auto& [order, call] : it->second.queue) calls.push_back(call);
  return calls;
}

std::vector<DigestId> Scheduler::wanted() const {
  return {with_waiters_.begin(), with_waiters_.end()};
}

std::uint32_t Scheduler::room(const Runner& runner) const {
  if (!runner.open || (single_use_ && runner.used)) return 0;
  return capacity_ - static_cast<std::uint32_t>(runner.held.size());
}

void Scheduler::list(RunnerId id, Runner& runner) {
  const std::uint32_t free = room(runner);
  if (runner.has_room != (free > 0)) {  // no set by age is touched while only its load changes
    runner.has_room = free > 0;
    for (DigestId digest : runner.digests) {
      auto& by_age = groups_[digest].by_age;
      if (runner.has_room)
        by_age.emplace(runner.backend, id);
      else
        by_age.erase({runner.backend, id});
    }
  }
  if (free == 0) return;
  free_ += free;
  const auto load = static_cast<std::uint32_t>(runner.held.size());
  for (DigestId digest : runner.digests) groups_[digest].available.emplace(runner.backend, load, id);
}

void Scheduler::unlist(RunnerId id, const Runner& runner) {
  const std::uint32_t free = room(runner);
  if (free == 0) return;
  free_ -= free;
  const auto load = static_cast<std::uint32_t>(runner.held.size());
  for (DigestId digest : runner.digests) groups_[digest].available.erase({runner.backend, load, id});
}

RunnerId Scheduler::choose(const Group& group) const {
  const auto& [backend, least, first] = *group.available.begin();
  if (strategy_ == Strategy::least_loaded) return first;
  // Fullest first; among equals the oldest, so that the newest runners fall idle.
  const auto end = group.available.lower_bound({backend + 1, 0, 0});
  const std::uint32_t load = std::get<1>(*std::prev(end));
  return std::get<2>(*group.available.lower_bound({backend, load, 0}));
}

void Scheduler::lease(CallId call, DigestId digest, RunnerId id) {
  Runner& entry = runners_.at(id);
  unlist(id, entry);
  FLAME_ASSERT(entry.held.size() < capacity_, "a lease needs a free slot");
  const bool fresh = entry.held.emplace(call, Held{next_lease_, digest}).second;
  FLAME_ASSERT(fresh, "a runner holds a call once");
  ++next_lease_;
  ++in_flight_;
  ++groups_.at(digest).in_flight;
  entry.used = entry.used || single_use_;
  mark_idle(id, entry, false);
  list(id, entry);
}

}  // namespace flame::pool
