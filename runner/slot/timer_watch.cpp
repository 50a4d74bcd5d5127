// Timers of a slot.
#include "runner/slot/timer_watch.hpp"

#include <signal.h>
#include <time.h>

#include <cstdint>
#include <utility>

namespace flame::slot {
namespace {

constexpr std::array<__itimer_which, 3> kKinds = {ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF};
constexpr std::size_t kListMax = 4096;  // about 40 timers

bool is_off(const itimerval& timer) {
  return timer.it_interval.tv_sec == 0 && timer.it_interval.tv_usec == 0 && timer.it_value.tv_sec == 0 &&
         timer.it_value.tv_usec == 0;
}

bool same_interval(const itimerval& a, const itimerval& b) {
  return a.it_interval.tv_sec == b.it_interval.tv_sec && a.it_interval.tv_usec == b.it_interval.tv_usec;
}

/// Ids of POSIX timers are handed out in order: the id of a probe tells whether a task made any. -1: cannot tell.
int probe_timer() {
  sigevent none{};
  none.sigev_notify = SIGEV_NONE;
  timer_t timer{};
  if (::timer_create(CLOCK_MONOTONIC, &none, &timer) != 0) return -1;
  const int id = static_cast<int>(reinterpret_cast<std::intptr_t>(timer));
  ::timer_delete(timer);
  return id;
}

}  // namespace

TimerWatch::TimerWatch() : timers_("/proc/self/timers", "") {
  for (std::size_t i = 0; i < kKinds.size(); ++i) ::getitimer(kKinds[i], &intervals_[i]);
  std::array<char, kListMax> buffer;
  home_ = timers_.read(buffer);
  if (!timers_.is_open()) next_timer_ = probe_timer();
}

void TimerWatch::restore_interval_timers() const {
  for (std::size_t i = 0; i < kKinds.size(); ++i) {
    if (!is_off(intervals_[i])) {
      itimerval now{};
      if (::getitimer(kKinds[i], &now) == 0 && !is_off(now) && same_interval(now, intervals_[i])) continue;
    }
    ::setitimer(kKinds[i], &intervals_[i], nullptr);
  }
}

bool TimerWatch::changed() {
  std::array<char, kListMax> buffer;  // not zeroed
  return timers_.is_open() ? timers_.read(buffer) != home_ : made_any();
}

bool TimerWatch::made_any() {
  const int last = std::exchange(next_timer_, probe_timer());
  return last >= 0 && next_timer_ >= 0 && next_timer_ != last + 1;
}

}  // namespace flame::slot
