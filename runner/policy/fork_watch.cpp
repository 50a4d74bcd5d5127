// Counts the requests that each zygote still owes an answer.
#include "runner/policy/fork_watch.hpp"

#include <algorithm>

#include "plugin_sdk/base/standstill.hpp"

namespace flame::runner {

void ForkWatch::asked(Instant now, GenerationId generation) {
  Waiting& waiting = waiting_[generation];
  if (waiting.requests++ == 0) waiting.since = now;
}

void ForkWatch::answered(Instant now, GenerationId generation) {
  const auto found = waiting_.find(generation);
  if (found == waiting_.end()) return;
  found->second.since = now;
  if (--found->second.requests == 0) waiting_.erase(found);
}

void ForkWatch::stood_still(Instant now, Duration pause) {
  for (auto& [id, waiting] : waiting_) waiting.since = base::put_off(waiting.since, pause, now, Duration::zero());
}

std::vector<GenerationId> ForkWatch::take_silent(Instant now) {
  std::vector<GenerationId> silent;
  for (auto& [id, waiting] : waiting_) {
    if (waiting.told || now < deadline_after(waiting.since, limit_)) continue;
    waiting.told = true;
    silent.push_back(id);
  }
  return silent;
}

Instant ForkWatch::wake_at() const {
  Instant at = kNever;
  for (const auto& [id, waiting] : waiting_) {
    if (!waiting.told) at = std::min(at, deadline_after(waiting.since, limit_));
  }
  return at;
}

Duration ForkWatch::silence(Instant now, GenerationId generation) const {
  const auto found = waiting_.find(generation);
  return found == waiting_.end() ? Duration::zero() : now - found->second.since;
}

}  // namespace flame::runner
