// UnprovenCalls: a map and its timers.
#include "host/src/policy/unproven_calls.hpp"

#include "plugin_sdk/base/assert.hpp"

namespace flame::pool {

void UnprovenCalls::add(RunnerId runner, std::vector<CallId> calls, Instant until) {
  auto [lost, fresh] = lost_.emplace(runner, Lost{std::move(calls), until, {}});
  FLAME_ASSERT(fresh, "a runner is lost once");
  lost->second.timer = timers_.arm(runner, until);
}

std::vector<CallId> UnprovenCalls::take(RunnerId runner) {
  auto lost = lost_.extract(runner);
  if (lost.empty()) return {};
  timers_.disarm(lost.mapped().timer);
  return std::move(lost.mapped().calls);
}

std::optional<RunnerId> UnprovenCalls::pop_due(Instant now) {
  const std::optional<RunnerId> due = timers_.pop_due(now);
  if (due) lost_.at(*due).timer.reset();
  return due;
}

void UnprovenCalls::stood_still(Duration pause) {
  for (auto& [runner, lost] : lost_) {
    timers_.disarm(lost.timer);
    lost.until = base::deadline_after(lost.until, pause);
    lost.timer = timers_.arm(runner, lost.until);
  }
}

void UnprovenCalls::clear() {
  lost_.clear();
  timers_ = {};
}

}  // namespace flame::pool
