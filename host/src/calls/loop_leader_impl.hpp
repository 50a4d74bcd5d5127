// BasicLoopLeader for any platform: included where it is instantiated.
#pragma once

#include <algorithm>
#include <bit>
#include <utility>

#include "host/src/calls/loop_leader.hpp"

namespace flame::pool {

template <class P>
void BasicLoopLeader<P>::open(LoopWork& work) noexcept {
  while (led_.exchange(true)) P::yield();  // a caller may be faster than the loop's thread
  standing_.loop_is_here();
  work_ = &work;
  led_.store(false);
  // What came before anybody listened.
  news_.store(~std::uint64_t{0});
}

template <class P>
void BasicLoopLeader<P>::close() noexcept {
  while (led_.exchange(true)) P::yield();
  work_ = nullptr;
  led_.store(false);
}

template <class P>
void BasicLoopLeader<P>::turn() noexcept {
  const std::uint64_t news = listen();
  Visit visit;
  serve(news, visit);
  // A wake-up that is meant for the leader may have come here: no news is taken until the leader is up. But only for a
  // moment, then now and then, whatever else there is to do: it may have been stopped, and sleep again when it goes on.
  if (leader_.load() != kCalled) {
    leader_is_late_ = false;
    fetches_ = 0;
  } else if (!leader_is_late_ || P::now() >= fetch_again_at_) {
    end_row();
    leader_is_late_ = !fetch_leader();
    fetch_again_at_ = P::now() + std::chrono::milliseconds(kLateMax);
  }
}

// The kernel wakes first who came last. A loop's thread that looked after this leader and comes after it again is woken
// for the next news, too, and looks after the leader, and so on: a wake-up more for each call. The leader ends such a
// row by letting this thread sleep first; where that does not help, it is asked ever more seldom.
template <class P>
void BasicLoopLeader<P>::end_row() noexcept {
  ++fetches_;
  if (fetches_ >= kFetchesMin && std::has_single_bit(fetches_)) loop_returns_.store(kReturns);
}

template <class P>
bool BasicLoopLeader<P>::fetch_leader() noexcept {
  events_.signal();
  P::sleep_on(leader_, kCalled, std::chrono::milliseconds(kLateAfter));
  return leader_.load() != kCalled;
}

// A leader that went to sleep after this thread is woken before it, and whether it comes is up to the scheduler. So
// this thread looks once more after a while; from then on it has come last, and all news are its own. It sleeps without
// a limit only after a while in which no leader slept and nothing came: to be fetched from there costs two wake-ups.
template <class P>
std::uint64_t BasicLoopLeader<P>::listen() noexcept {
  if (loop_returns_.exchange(kStays) == kExpected) P::wake_all(loop_returns_);
  if (leader_is_late_) return events_.wait(kLateMax);
  loop_.store(kDeep);
  const std::uint32_t sleeps = sleeps_.load();
  alert_ = alert_ || sleeps != sleeps_seen_;
  sleeps_seen_ = sleeps;
  int limit = -1;
  if (alert_) {
    leave_deep_sleep();
    limit = patience_;
    patience_ = std::min(2 * patience_, kLateMax);
  } else {
    patience_ = kLateAfter;
  }
  const std::uint64_t news = events_.wait(limit);
  if (news == 0) alert_ = false;
  leave_deep_sleep();
  return news;
}

template <class P>
void BasicLoopLeader<P>::leave_deep_sleep() noexcept {
  if (loop_.exchange(kAwake) == kCalled) P::wake_all(loop_);
}

// So that the loop's thread looks after this leader. Waits until it is up: this thread might take the wake-up itself.
template <class P>
void BasicLoopLeader<P>::fetch_loop() noexcept {
  std::uint32_t state = kDeep;
  if (!loop_.compare_exchange_strong(state, kCalled) && state == kAwake) return;
  events_.signal();
  P::sleep_on(loop_, kCalled, std::chrono::milliseconds(kLateAfter));
}

// See end_row(). No yield: that gives a whole time slice away, after which whoever is woken takes this thread's
// processor.
template <class P>
void BasicLoopLeader<P>::let_loop_return() noexcept {
  std::uint32_t returns = kReturns;
  if (loop_returns_.compare_exchange_strong(returns, kExpected)) P::sleep_on(loop_returns_, kExpected, kReturnMax);
}

// See the protocol in loop_leader.hpp.
template <class P>
void BasicLoopLeader<P>::serve(std::uint64_t ready, Visit& visit) noexcept {
  news_.fetch_or(ready);
  while (news_.load() != 0 && !led_.exchange(true)) {
    const std::uint64_t news = news_.exchange(0);
    const bool more = work_ != nullptr && work_->work(news, visit);
    if (more) news_.fetch_or(LeaderEvents::kLook);
    led_.store(false);
    if (visit.is_over()) {
      if (news_.load() != 0) events_.signal();
      return;
    }
  }
}

template <class P>
bool BasicLoopLeader<P>::lead_until(Awaited& call, Instant deadline) noexcept {
  if (!standing_.may_drive()) {
    events_.signal();  // the call itself may still be in the inbox
    return false;
  }
  const typename P::Whole whole;
  Visit first(call, deadline);
  serve(LeaderEvents::kLook, first);  // as above
  if (call.is_ready()) return true;
  if (leads_.exchange(true)) return false;
  call.begin_leading();
  while (!call.is_ready() && (deadline == kNever || P::now() < deadline)) sleep_as_leader(call, deadline);
  call.end_leading();
  leads_.store(false);
  return true;
}

template <class P>
void BasicLoopLeader<P>::sleep_as_leader(const Awaited& call, Instant deadline) noexcept {
  const int limit = deadline == kNever ? -1 : base::milliseconds_until(deadline, P::now());
  leader_.store(kAsleep);
  // News while another thread sits are its own to see to: spinning until it is done would take its processor.
  const bool news_are_ours = news_.load() != 0 && !led_.load();
  std::uint64_t news = 0;
  if (!call.is_ready() && !news_are_ours) {
    sleeps_.fetch_add(1);
    fetch_loop();
    let_loop_return();
    news = events_.wait(limit);
  }
  if (leader_.exchange(kAwake) == kCalled) P::wake_all(leader_);
  Visit visit(call, deadline);
  serve(news, visit);
}

template <class P>
void BasicLoopLeader<P>::wake_leader() noexcept {
  std::uint32_t asleep = kAsleep;
  if (leader_.compare_exchange_strong(asleep, kCalled)) events_.signal();
}

template <class P>
void BasicLoopLeader<P>::wake_by(Instant at) noexcept {
  // Too early does no harm; setting it costs a system call.
  if (at >= timer_at_ && timer_at_ > P::now()) return;
  timer_at_ = at;
  events_.set_timer(at);
}

}  // namespace flame::pool
