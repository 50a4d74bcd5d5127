// RunnerGenerations: every change of a digest on a runner goes through change(), which keeps the counts.
#include "host/src/policy/runner_generations.hpp"

#include <algorithm>

#include "plugin_sdk/base/assert.hpp"
#include "plugin_sdk/base/make_error.hpp"

namespace flame::pool {

namespace {

// Null: the runner is not known to have it, nor to be unable to.
template <class Runner>
auto* find(Runner& runner, DigestId digest) {
  const auto found = std::ranges::find_if(runner.generations, [&](const auto& one) { return one.digest == digest; });
  return found == runner.generations.end() ? nullptr : &*found;
}

}  // namespace

RunnerGenerations::RunnerGenerations(std::vector<DigestId> active, Duration load_limit)
    : load_limit_(load_limit), versions_(std::move(active)) {}

void RunnerGenerations::on(const event::Prepare& event, Instant now) {
  ++revision_;
  // It may have failed once more since it was given up.
  if (!versions_.is_active(event.digest) && !versions_.is_candidate(event.digest)) forgive(event.digest);
  versions_.prepare(event.digest, event.replaces);
  leaving_.erase(event.digest);
  for (auto& [id, runner] : runners_) ask(id, runner, event.digest, now);
}

void RunnerGenerations::on(const event::Switch& event, Instant now) {
  ++revision_;
  versions_.activate(event.from, event.to);
  leaving_.erase(event.to);
  used(event.from);
  if (versions_.is_superseded(event.from)) forgive(event.from);
  for (auto& [id, runner] : runners_) {
    ask(id, runner, event.to, now);
    if (is_unfit(runner)) unfit_.push_back(id);
  }
}

void RunnerGenerations::on(const event::Abandon& event, Instant) {
  if (!versions_.abandon(event.digest)) return;
  ++revision_;
  used(event.digest);
  forgive(event.digest);
}

void RunnerGenerations::on(const event::Loaded& event, Instant) {
  const auto it = runners_.find(event.runner);
  if (it == runners_.end()) return;
  const Generation* generation = find(it->second, event.digest);
  if (generation == nullptr || generation->state != State::loading) return;
  if (event.error) return fail(it->first, it->second, event.digest, State::absent, *event.error);
  change(it->first, it->second, event.digest, [](Generation& loaded) { loaded.state = State::ready; });
  steps_.push_back({Step::Kind::serve, event.runner, event.digest});
}

void RunnerGenerations::on(const event::GenerationEnded& event, Instant now) {
  const auto it = runners_.find(event.runner);
  if (it == runners_.end()) return;
  const Generation* generation = find(it->second, event.digest);
  if (generation == nullptr || generation->state == State::absent) return;
  if (generation->state == State::ending) {
    change(it->first, it->second, event.digest, [](Generation& ended) { ended.state = State::absent; });
    return ask_for_targets(it->first, it->second, now);
  }
  steps_.push_back({Step::Kind::gone, event.runner, event.digest});
  fail(it->first, it->second, event.digest, State::absent,
       base::make_error(ErrorCode::boot_failed, "the runner has ended the plugin by itself; its log says why"));
}

void RunnerGenerations::expire(Instant now) {
  while (const auto due = deadlines_.pop_due(now)) {
    const auto [id, digest] = *due;
    Runner& runner = runners_.at(id);
    find(runner, digest)->timer.reset();
    steps_.push_back({Step::Kind::end, id, digest});
    fail(id, runner, digest, State::ending,
         base::make_error(ErrorCode::boot_failed,
                          "the runner did not load the plugin within boot_timeout; is its start() stuck? Look at the "
                          "runner's output, or raise boot_timeout"));
  }
}

void RunnerGenerations::stood_still(Duration pause) {
  for (auto& [id, runner] : runners_)
    for (Generation& generation : runner.generations) {
      if (!generation.timer) continue;
      deadlines_.disarm(generation.timer);
      generation.load_by = base::deadline_after(generation.load_by, pause);
      generation.timer = deadlines_.arm({id, generation.digest}, generation.load_by);
    }
}

std::vector<DigestId> RunnerGenerations::boots(RunnerId id, std::span<const DigestId> wanted) {
  std::vector<DigestId> digests = versions_.active();
  const auto add = [&](DigestId digest) {
    const bool listed = std::ranges::find(digests, digest) != digests.end();
    if (!listed && versions_.count(digests, digest) < kGenerationsMax) digests.push_back(digest);
  };
  for (const DigestId digest : wanted)
    if (!boots_with(digest)) add(digest);
  std::ranges::for_each(wanted, add);
  std::ranges::for_each(versions_.candidates(), add);
  for (const DigestId digest : digests) ++booting_with_[digest];
  const bool fresh = runners_.try_emplace(id, Runner{.asked = digests, .generations = {}}).second;
  FLAME_ASSERT(fresh, "runner ids are not used again");
  return digests;
}

void RunnerGenerations::joined(RunnerId id, std::span<const event::RunnerPlugin> plugins, Instant now) {
  Runner& runner = runners_.at(id);
  boot_over(runner);
  runner.booting = false;
  for (const event::RunnerPlugin& plugin : plugins) {
    if (!plugin.error && versions_.is_candidate(plugin.digest))
      runner.generations.push_back({.digest = plugin.digest, .state = State::booted, .broken = {}, .timer = {}});
    else if (!plugin.error)
      runner.generations.push_back({.digest = plugin.digest, .state = State::ready, .broken = {}, .timer = {}});
    else if (versions_.is_active(plugin.digest) || versions_.is_candidate(plugin.digest))
      runner.generations.push_back({.digest = plugin.digest,
                                    .broken = plugin.error,
                                    .unfit = versions_.is_candidate(plugin.digest),
                                    .timer = {}});
  }
  opened(id, now);
}

void RunnerGenerations::closed(RunnerId id) {
  Runner& runner = runners_.at(id);
  if (!runner.live) return;
  ++revision_;
  for (const Generation& one : runner.generations) tallies_.remove(id, one.digest, one.state, one.broken.has_value());
  runner.live = false;
}

void RunnerGenerations::opened(RunnerId id, Instant now) {
  Runner& runner = runners_.at(id);
  ++revision_;
  runner.live = true;
  for (const Generation& one : runner.generations) {
    tallies_.add(id, one.digest, one.state, one.broken.has_value());
    if (one.state == State::ready || one.state == State::loading) used(one.digest);
  }
  ask_for_targets(id, runner, now);
}

void RunnerGenerations::removed(RunnerId id) {
  const auto it = runners_.find(id);
  FLAME_ASSERT(it != runners_.end(), "a runner is removed once");
  if (it->second.booting) boot_over(it->second);
  closed(id);
  for (Generation& generation : it->second.generations) deadlines_.disarm(generation.timer);
  runners_.erase(it);
}

std::vector<DigestId> RunnerGenerations::leaving() const {
  std::vector<DigestId> digests;
  for (const auto& [digest, tried] : leaving_) digests.push_back(digest);
  return digests;
}

void RunnerGenerations::end(DigestId digest) {
  leaving_.erase(digest);
  for (auto& [id, runner] : runners_) {
    const Generation* generation = find(runner, digest);
    if (!runner.live || generation == nullptr) continue;
    if (generation->state != State::ready && generation->state != State::loading) continue;
    change(id, runner, digest, [](Generation& ended) { ended.state = State::ending; });
    steps_.push_back({Step::Kind::end, id, digest});
  }
}

void RunnerGenerations::recall(DigestId digest, Instant now) {
  const auto leaves = leaving_.find(digest);
  if (leaves == leaving_.end() || leaves->second == revision_ || boots_with(digest)) return;
  if (!standing(digest).loading.empty()) return;
  leaves->second = revision_;
  for (auto& [id, runner] : runners_)
    if (ask(id, runner, digest, now)) return;
}

RunnerGenerations::Standing RunnerGenerations::standing(DigestId digest) const {
  const GenerationTallies::Tally& tally = tallies_.of(digest);
  Standing standing{
      .ready = tally.ready, .loading = tally.loading, .broken = tally.broken.size(), .reason = std::nullopt};
  if (standing.broken > 0) standing.reason = find(runners_.at(*tally.broken.begin()), digest)->broken;
  return standing;
}

std::uint64_t RunnerGenerations::coming(DigestId digest) const {
  const GenerationTallies::Tally& own = tallies_.of(digest);
  std::uint64_t count = own.loading.size();
  if (versions_.is_active(digest) || own.ready > 0) return count;
  for (const auto& [other, tally] : tallies_.all())
    if (versions_.same_plugin(other, digest))
      count += static_cast<std::uint64_t>(
          std::ranges::count_if(tally.ending, [&](RunnerId id) { return !own.broken.contains(id); }));
  return count;
}

std::vector<DigestId> RunnerGenerations::in_the_way_of(DigestId digest) const {
  std::vector<DigestId> others;
  for (const auto& [other, tally] : tallies_.all())
    if (tally.ready > 0 && versions_.is_superseded(other) && versions_.same_plugin(other, digest))
      others.push_back(other);
  return others;
}

void RunnerGenerations::fell_idle(RunnerId id) {
  if (is_unfit(runners_.at(id))) unfit_.push_back(id);
}

template <class Change>
void RunnerGenerations::change(RunnerId id, Runner& runner, DigestId digest, Change apply) {
  ++revision_;
  if (find(runner, digest) == nullptr) runner.generations.push_back({.digest = digest, .broken = {}, .timer = {}});
  Generation& generation = *find(runner, digest);
  if (runner.live) tallies_.remove(id, digest, generation.state, generation.broken.has_value());
  apply(generation);
  if (generation.state != State::loading) deadlines_.disarm(generation.timer);
  if (runner.live) tallies_.add(id, digest, generation.state, generation.broken.has_value());
  if (generation.state == State::absent && !generation.broken)
    std::erase_if(runner.generations, [&](const Generation& one) { return one.digest == digest; });
}

void RunnerGenerations::fail(RunnerId id, Runner& runner, DigestId digest, State state, Error error) {
  change(id, runner, digest, [&](Generation& generation) {
    generation.state = state;
    generation.broken = std::move(error);
    generation.unfit = true;
  });
  if (is_unfit(runner)) unfit_.push_back(id);
}

// What is no target any more may be tried anew when it is one again.
void RunnerGenerations::forgive(DigestId digest) {
  for (auto& [id, runner] : runners_)
    if (find(runner, digest) != nullptr)
      change(id, runner, digest, [](Generation& generation) { generation.broken.reset(); });
}

bool RunnerGenerations::is_unfit(const Runner& runner) const {
  return std::ranges::any_of(runner.generations, [this](const Generation& generation) {
    return generation.broken && generation.unfit && versions_.is_active(generation.digest);
  });
}

bool RunnerGenerations::ask(RunnerId id, Runner& runner, DigestId digest, Instant now) {
  const Generation* const there = find(runner, digest);
  if (!runner.live || (there != nullptr && there->state != State::booted)) return false;
  const auto in_its_place = [&](const Generation& other) {
    return other.state != State::absent && versions_.same_plugin(other.digest, digest);
  };
  const auto others = std::ranges::count_if(runner.generations, in_its_place);
  if (there == nullptr && others >= static_cast<std::ptrdiff_t>(kGenerationsMax)) return false;
  change(id, runner, digest, [&](Generation& generation) {
    generation.state = State::loading;
    generation.load_by = base::deadline_after(now, load_limit_);
    generation.timer = deadlines_.arm({id, digest}, generation.load_by);
  });
  steps_.push_back({Step::Kind::load, id, digest});
  return true;
}

void RunnerGenerations::ask_for_targets(RunnerId id, Runner& runner, Instant now) {
  if (!runner.live) return;
  for (const DigestId digest : versions_.active()) ask(id, runner, digest, now);
  for (const DigestId digest : versions_.candidates()) ask(id, runner, digest, now);
}

void RunnerGenerations::boot_over(const Runner& runner) {
  for (const DigestId digest : runner.asked)
    if (const auto with = booting_with_.find(digest); --with->second == 0) booting_with_.erase(with);
}

}  // namespace flame::pool
