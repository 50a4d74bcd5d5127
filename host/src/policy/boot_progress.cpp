// BootProgress: phases forward, and the clock that each of them starts.
#include "host/src/policy/boot_progress.hpp"

#include <algorithm>

#include "host/src/policy/seconds.hpp"
#include "plugin_sdk/base/limits.hpp"

namespace flame::pool {

std::string_view to_string(BootPhase phase) noexcept {
  switch (phase) {
    case BootPhase::queued:
      return "queued";
    case BootPhase::placed:
      return "placed";
    case BootPhase::pulling:
      return "pulling";
    case BootPhase::starting:
      return "starting";
    case BootPhase::started:
      return "started";
  }
  return "unknown";
}

BootProgress::BootProgress(Instant now, const Limits& limits)
    : limits_(limits), asked_(now), since_(now), by_(base::deadline_after(now, limits.boot)) {}

bool BootProgress::reached(BootPhase phase, std::string_view detail, Instant now) {
  if (phase_ && phase < *phase_) return false;
  detail = detail.substr(0, limits::kHistoryTextMax);  // it comes from outside
  if (phase_ == phase) {
    const bool news = detail_ != detail;
    detail_ = detail;
    return news;
  }
  const bool was_queued = is_queued();
  phase_ = phase;
  since_ = now;
  detail_ = detail;
  if (phase == BootPhase::queued)
    by_ = base::deadline_after(asked_, limits_.queue);
  else if (was_queued)
    by_ = base::deadline_after(now, limits_.boot);
  return true;
}

Instant BootProgress::log_at() const noexcept {
  if (is_queued() || by_ == kNever) return kNever;
  return by_ - std::min<Duration>(limits::kBootLogWait, limits_.boot / 4);
}

std::string BootProgress::overdue(Instant now) const {
  const std::string stand = phase_ ? std::string(to_string(*phase_)) + " for " + seconds(now - since_) +
                                         (detail_.empty() ? "" : " (" + detail_ + ")")
                                   : std::string();
  if (is_queued())
    return "its backend had no place for it within queue_timeout (" + seconds(limits_.queue) + "): it was " + stand +
           "; raise queue_timeout, or name another backend";
  return "the runner did not dial in within boot_timeout (" + seconds(limits_.boot) + ")" +
         (stand.empty() ? "" : ": its machine was " + stand) + "; look at its output, or raise boot_timeout";
}

}  // namespace flame::pool
