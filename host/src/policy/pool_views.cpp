// PoolPolicy as people see it, and as Elastic does: reads state, changes none.
#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

#include "host/src/policy/pool_policy.hpp"
#include "plugin_sdk/base/assert.hpp"
#include "plugin_sdk/base/make_error.hpp"

namespace flame::pool {

namespace {

std::string whole_seconds(Duration duration) {
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(duration).count()) + " s";
}

// "a, b and 5 more".
std::string listed(const std::vector<std::string>& names) {
  constexpr std::size_t kNamed = 3;
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kNamed); ++i) text += (i > 0 ? ", " : "") + names[i];
  return names.size() > kNamed ? text + " and " + std::to_string(names.size() - kNamed) + " more" : text;
}

// A candidate has no runner that has it, loads it, is broken for it, or will soon have room for it.
bool lacks_runner(const RunnerGenerations& generations) {
  return std::ranges::any_of(generations.versions().candidates(), [&](DigestId digest) {
    const RunnerGenerations::Standing standing = generations.standing(digest);
    return standing.ready == 0 && standing.broken == 0 && generations.coming(digest) == 0;
  });
}

}  // namespace

std::vector<PoolPolicy::RunnerView> PoolPolicy::runner_views(Instant now) const {
  std::vector<RunnerView> views;
  views.reserve(runners_.size());
  for (const auto& [id, runner] : runners_) {
    RunnerView view{.id = id,
                    .phase = runner.state.phase(),
                    .backend = runner.backend,
                    .leases = scheduler_.leases(id),
                    .idle = {},
                    .ends_in = {},
                    .quiet = {}};
    if (runner.state.end() != kNever) view.ends_in = base::remaining(runner.state.end(), now);
    if (!runner.state.is_booting() && view.leases == 0) view.idle = runner.state.idle(now);
    if (runner.state.is_quiet()) view.quiet = now - runner.state.last_heard();
    views.push_back(view);
  }
  std::ranges::sort(views, {}, &RunnerView::id);
  return views;
}

action::Prepared PoolPolicy::prepared(DigestId digest, Instant now) const {
  const RunnerGenerations::Standing standing = generations_.standing(digest);
  action::Prepared report{.digest = digest, .ready = standing.ready > 0, .error = std::nullopt, .waits_for = {}};
  const bool comes = !standing.loading.empty() || booting_ > 0 || generations_.coming(digest) > 0;
  const bool hopeless = !report.ready && !comes;
  if (closed_)
    report.error = base::make_error(ErrorCode::shutting_down, "the pool " + name_ + " is shutting down");
  else if (hopeless && standing.broken > 0)
    report.error = standing.reason;
  else if (hopeless && serving_ == 0 && placement_.failing_for_good(now))
    report.error = placement_.last_failure(now);
  if (report.error) return report;
  std::vector<std::string> names;
  for (const RunnerId id : standing.loading) names.push_back(name_ + "-" + std::to_string(id));
  if (!names.empty()) report.waits_for = listed(names) + " to load it";
  if (report.ready || !names.empty()) return report;
  for (const DigestId older : generations_.in_the_way_of(digest)) {
    std::set<CallId> users;
    for (const CallId call : calls_.with(older)) users.insert(call);
    for (const CallId call : scheduler_.holders(older)) users.insert(call);
    for (const CallId call : users)
      names.push_back(holds_objects(call) ? "what call " + std::to_string(call) + " left in its slot"
                                          : "call " + std::to_string(call));
  }
  if (booting_ > 0)
    report.waits_for = "a runner to boot";
  else if (generations_.coming(digest) > 0)
    report.waits_for = "a runner to end an older version";
  else if (!names.empty())
    report.waits_for = "the end of what uses an older version: " + listed(names);
  else if (placement_.last_failure(now))
    report.waits_for = "a runner, and none boots: " + placement_.last_failure(now)->message;
  else
    report.waits_for = "room for a runner: max is " + std::to_string(elastic_.max()) + ", and those that leave count";
  return report;
}

// A silent runner without work must not keep those that wait from another one: beside max, one for each, and no more
// than max in all, should they fall silent in turn. When it speaks again there is one too many, which shed() ends.
Elastic::Counts PoolPolicy::counts() const {
  const std::uint32_t beside = scheduler_.waiting() > 0 ? std::min(idle_hushed_, elastic_.max()) : 0;
  Elastic::Counts counts{.runners = runner_count() - booting_ - beside,
                         .serving = serving_,
                         .booting = booting_,
                         .free = scheduler_.free_slots(),
                         .needed = closed_ || booting_ > 0 || !lacks_runner(generations_) ? 0U : 1U};
  std::uint64_t helped = 0;
  scheduler_.each_waiting([&](DigestId digest, std::uint64_t waiting) {
    const std::uint64_t soon = std::min(waiting, generations_.coming(digest) * scheduler_.capacity());
    counts.waiting += waiting;
    helped += soon;
    if (!generations_.boots_with(digest)) counts.unhelped += waiting - soon;
  });
  // One that loads two versions has its slots once.
  counts.waiting -= std::min(helped, generations_.changing() * scheduler_.capacity());
  return counts;
}

// When the idle runners of later backends have gone: they go first, so that the pool comes home.
Elastic::Counts PoolPolicy::counts_after(BackendIndex backend) const {
  Elastic::Counts after = counts();
  const std::uint32_t gone = scheduler_.idle_after(backend);
  after.runners -= gone;
  after.serving -= gone;
  after.free -= std::uint64_t{gone} * scheduler_.capacity();
  return after;
}

// What its caller cannot know: it was not the load that kept a slot from it, nor its task that took so long.
void PoolPolicy::tell_what_kept_it(CallTable::Outcome& outcome, Instant now) const {
  Error& error = *outcome.error;
  const auto runner = runners_.find(outcome.runner);
  if (error.code == ErrorCode::queue_timed_out) {
    if (hushed_ > 0) error.message += "; " + silence(now);
    if (const std::string full = placement_.full(); !full.empty()) error.message += "; " + full;
    if (lifetimes_.any_end() && scheduler_.free_slots() > 0)
      error.message += "; " + std::to_string(scheduler_.free_slots()) +
                       " slots are free on machines that end too early for it: a shorter timeout lets it go there";
    const auto queued = std::ranges::find_if(
        runners_, [](const auto& entry) { return entry.second.state.phase() == RunnerState::Phase::queued; });
    if (queued == runners_.end()) return;
    const BootProgress& boot = queued->second.state.boot();
    error.message += "; a machine is queued for since " + whole_seconds(now - boot.since()) + " (backend \"" +
                     placement_.name(queued->second.backend) + "\"" +
                     (boot.detail().empty() ? "" : ": " + boot.detail()) + ")";
  } else if (error.code == ErrorCode::timed_out && runner != runners_.end() && runner->second.state.misses_beats(now)) {
    error.message += "; nothing was heard from its runner for " +
                     whole_seconds(now - runner->second.state.last_heard()) + ": is it stopped?";
  }
}

// Names the one that has been silent for longest.
std::string PoolPolicy::silence(Instant now) const {
  const std::pair<const RunnerId, Runner>* longest = nullptr;
  for (const auto& entry : runners_) {
    if (!entry.second.hushed) continue;
    if (!longest || std::pair(entry.second.state.last_heard(), entry.first) <
                        std::pair(longest->second.state.last_heard(), longest->first))
      longest = &entry;
  }
  FLAME_ASSERT(longest != nullptr, "one of them is silent");
  return std::to_string(hushed_) + " of " + std::to_string(runner_count() - booting_) +
         (hushed_ == 1 ? " runners is silent (" : " runners are silent (") + name_ + "-" +
         std::to_string(longest->first) + " for " + whole_seconds(now - longest->second.state.last_heard()) +
         "): is it stopped?";
}

}  // namespace flame::pool
