// PoolPolicy as people see it: reads state, changes none.
#include <algorithm>

#include "host/src/pool_policy.hpp"

namespace flame::pool {

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

}  // namespace flame::pool
