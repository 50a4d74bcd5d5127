// RunnerState: the phases and the one timer that matters in each.
#include "host/src/policy/runner_state.hpp"

#include <algorithm>
#include <utility>

#include "plugin_sdk/base/assert.hpp"
#include "plugin_sdk/base/standstill.hpp"

namespace flame::pool {

RunnerState::RunnerState(Instant now, const BootProgress::Limits& limits, bool for_min, const Liveness& liveness)
    : for_min_(for_min), liveness_(liveness), boot_(now, limits) {}

bool RunnerState::reached(BootPhase phase, std::string_view detail, Instant now) {
  if (!is_booting() || !boot_.reached(phase, detail, now)) return false;
  phase_ = boot_.is_queued() ? Phase::queued : Phase::booting;
  return true;
}

bool RunnerState::hello(Instant now, bool local) {
  if (!is_booting()) return false;
  phase_ = Phase::ready;
  local_ = local;
  ready_since_ = now;
  heard_ = now;
  idle_since_ = now;
  return true;
}

bool RunnerState::heard(Instant now) noexcept {
  heard_ = now;
  return std::exchange(quiet_, false);
}

void RunnerState::stood_still(Instant now, Duration pause) noexcept {
  if (!quiet_) heard_ = now;
  boot_.stood_still(pause);
  for (Instant* const limit : {&exit_by_, &disconnect_by_}) *limit = base::deadline_after(*limit, pause);
  drain_by_ = base::put_off(drain_by_, pause, now, drain_limit_);
}

void RunnerState::drain(Instant now, Duration limit) {
  FLAME_ASSERT(phase_ == Phase::ready || phase_ == Phase::draining, "only a runner that said hello can drain");
  phase_ = Phase::draining;
  if (base::deadline_after(now, limit) >= drain_by_) return;
  drain_by_ = base::deadline_after(now, limit);
  drain_limit_ = limit;
}

void RunnerState::exited(Instant now) {
  exit_by_ = std::min(exit_by_, base::deadline_after(now, kExitGrace));
}

void RunnerState::disconnected(Instant now) {
  disconnect_by_ = std::min(disconnect_by_, base::deadline_after(now, kReasonGrace));
}

RunnerState::Due RunnerState::due(Instant now) const noexcept {
  switch (phase_) {
    case Phase::queued:
    case Phase::booting:
      return now >= boot_.by() ? Due::boot_overdue : Due::nothing;
    case Phase::ready:
    case Phase::draining:
      break;
  }
  if (now >= exit_by_) return Due::exited;
  if (now >= disconnect_by_) return Due::disconnected;
  if (now >= drain_at()) return Due::ending;
  if (now >= drain_by_) return Due::drain_overdue;
  if (now >= mute_at()) return Due::mute;
  if (quiet_ || now < silent_at()) return Due::nothing;
  return local_ ? Due::quiet : Due::silent;
}

Instant RunnerState::deadline() const noexcept {
  if (is_booting()) return boot_.by();
  return std::min({exit_by_, disconnect_by_, drain_at(), drain_by_, mute_at(), quiet_ ? kNever : silent_at()});
}

// It may have been silent for long before it was told.
Instant RunnerState::mute_at() const noexcept {
  if (goodbye_since_ == kNever) return kNever;
  return std::max(beats_missed_at(), base::deadline_after(goodbye_since_, limits::kByeWait));
}

}  // namespace flame::pool
