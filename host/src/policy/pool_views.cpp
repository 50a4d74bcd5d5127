// PoolPolicy as people see it: reads state, changes none.
#include <algorithm>
#include <chrono>
#include <utility>

#include "host/src/policy/pool_policy.hpp"
#include "plugin_sdk/base/assert.hpp"

namespace flame::pool {

namespace {

std::string whole_seconds(Duration duration) {
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(duration).count()) + " s";
}

}  // namespace

std::vector<PoolPolicy::RunnerView> PoolPolicy::runner_views(Instant now) const {
  std::vector<RunnerView> views;
  views.reserve(runners_.size());
  for (const auto& [id, runner] : runners_) {
    RunnerView view{.id = id, .phase = runner.state.phase(), .leases = scheduler_.leases(id), .idle = {}, .quiet = {}};
    if (view.phase != RunnerState::Phase::booting && view.leases == 0) view.idle = runner.state.idle(now);
    if (runner.state.is_quiet()) view.quiet = now - runner.state.last_heard();
    views.push_back(view);
  }
  std::ranges::sort(views, {}, &RunnerView::id);
  return views;
}

// What its caller cannot know: it was not the load that kept a slot from it, nor its task that took so long.
void PoolPolicy::tell_of_silence(CallTable::Outcome& outcome, Instant now) const {
  Error& error = *outcome.error;
  const auto runner = runners_.find(outcome.runner);
  if (error.code == ErrorCode::queue_timed_out && hushed_ > 0) {
    error.message += "; " + silence(now);
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
