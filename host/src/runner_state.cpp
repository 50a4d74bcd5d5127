// RunnerState: the phases and the one timer that matters in each.
#include "host/src/runner_state.hpp"

#include <algorithm>

#include "plugin_sdk/base/assert.hpp"

namespace flame::pool {

RunnerState::RunnerState(Instant now, Duration boot_timeout, bool for_min, const Liveness& liveness)
    : for_min_(for_min), liveness_(liveness), boot_by_(base::deadline_after(now, boot_timeout)) {}

bool RunnerState::hello(Instant now) {
  if (phase_ != Phase::booting) return false;
  phase_ = Phase::ready;
  ready_since_ = now;
  heard_ = now;
  idle_since_ = now;
  return true;
}

void RunnerState::heard(Instant now) noexcept {
  heard_ = now;
}

void RunnerState::drain(Instant now, Duration limit) {
  FLAME_ASSERT(phase_ == Phase::ready || phase_ == Phase::draining, "only a runner that said hello can drain");
  phase_ = Phase::draining;
  drain_by_ = std::min(drain_by_, base::deadline_after(now, limit));
}

void RunnerState::exited(Instant now) {
  exit_by_ = std::min(exit_by_, base::deadline_after(now, kExitGrace));
}

void RunnerState::disconnected(Instant now) {
  disconnect_by_ = std::min(disconnect_by_, base::deadline_after(now, kExitGrace));
}

RunnerState::Due RunnerState::due(Instant now) const noexcept {
  switch (phase_) {
    case Phase::booting:
      return now >= boot_by_ ? Due::boot_overdue : Due::nothing;
    case Phase::gone:
      return Due::nothing;
    case Phase::ready:
    case Phase::draining:
      break;
  }
  if (now >= exit_by_) return Due::exited;
  if (now >= disconnect_by_) return Due::disconnected;
  if (now >= drain_by_) return Due::drain_overdue;
  return now >= silent_at() ? Due::silent : Due::nothing;
}

Instant RunnerState::deadline() const noexcept {
  if (phase_ == Phase::gone) return kNever;
  if (phase_ == Phase::booting) return boot_by_;
  return std::min({exit_by_, disconnect_by_, drain_by_, silent_at()});
}

}  // namespace flame::pool
