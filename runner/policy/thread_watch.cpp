// See thread_watch.hpp.
#include "runner/policy/thread_watch.hpp"

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

void ThreadWatch::interrupt(Instant now) {
  if (looking() || due(now)) ++interruptions_;
  begun_ = kNever;
}

// On a busy machine a thread may get nothing for a whole window: that it would run tells it from one that sleeps.
ThreadWatch::Verdict ThreadWatch::sample(Instant now, Load load) {
  if (!looking() || now < deadline_after(window_begun_, kWindow)) return Verdict::open;
  if (now - window_begun_ > kWindowMax) {
    begin(now, load.cpu);
    return Verdict::open;
  }
  const bool quiet = !load.runnable && (load.cpu - cpu_) * kQuietShare < now - window_begun_;
  window_begun_ = now;
  cpu_ = load.cpu;
  if (!quiet) return now >= deadline_after(begun_, kPatience) ? Verdict::computing : Verdict::open;
  begun_ = kNever;
  interruptions_ = 0;
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
