// See thread_watch.hpp.
#include "runner/thread_watch.hpp"

#include <algorithm>

namespace flame::runner {

void ThreadWatch::idle(Instant now, std::uint32_t threads) {
  threads_ = threads;
  if (threads > known_) look_at_ = std::min(look_at_, now);
}

void ThreadWatch::begin(Instant now, Duration cpu) {
  begun_ = window_begun_ = now;
  cpu_ = cpu;
}

ThreadWatch::Verdict ThreadWatch::sample(Instant now, Duration cpu) {
  if (!looking() || now < deadline_after(window_begun_, kWindow)) return Verdict::open;
  const bool quiet = (cpu - cpu_) * kQuietShare < now - window_begun_;
  window_begun_ = now;
  cpu_ = cpu;
  if (!quiet) return now >= deadline_after(begun_, kPatience) ? Verdict::computing : Verdict::open;
  begun_ = kNever;
  known_ = threads_;
  look_at_ = deadline_after(now, pause_);
  pause_ = std::min(pause_ * 2, kLongestPause);
  return Verdict::quiet;
}

Instant ThreadWatch::wake_at() const {
  if (looking()) return deadline_after(window_begun_, kWindow);
  return threads_ > 0 ? look_at_ : kNever;
}

}  // namespace flame::runner
