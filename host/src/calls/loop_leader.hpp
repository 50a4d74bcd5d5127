// Leader and followers: the loop's work is done by its own thread, or by a caller that waits for a result anyway and so
// saves two wake-ups per call.
#pragma once

#include <cstdint>

#include "host/src/calls/leader_platform.hpp"
#include "host/src/policy/types.hpp"

namespace flame::pool {

/// What a leader waits for.
class Awaited {
 public:
  [[nodiscard]] virtual bool is_ready() const noexcept = 0;
  /// Between these two whoever makes it ready calls LoopLeader::wake_leader() afterwards.
  virtual void begin_leading() noexcept = 0;
  virtual void end_leading() noexcept = 0;

 protected:
  ~Awaited() = default;
};

/// How long a thread leads. The loop's own thread: while there is work. A caller: until its own call is
/// ready (and a turn or two), its time is over, or it has done its share; others may submit for ever.
class Visit {
 public:
  /// So that a caller without a deadline is not kept for the others' work alone.
  static constexpr unsigned kTurnsMax = 256;
  /// What comes with an answer (the slot's end, a cast's) is done in passing: to wake a thread for it costs more.
  static constexpr unsigned kTurnsReady = 2;

  Visit() noexcept = default;
  Visit(const Awaited& call, Instant deadline) noexcept : call_(&call), deadline_(deadline) {}

  /// Asked after each turn of the loop; stays true.
  [[nodiscard]] bool over(Instant now) noexcept {
    over_ = over_ || (call_ != nullptr && (now >= deadline_ || ++turns_ >= kTurnsMax ||
                                           (call_->is_ready() && ++turns_ready_ > kTurnsReady)));
    return over_;
  }
  [[nodiscard]] bool is_over() const noexcept { return over_; }

 private:
  const Awaited* call_ = nullptr;
  Instant deadline_ = kNever;
  unsigned turns_ = 0;
  unsigned turns_ready_ = 0;
  bool over_ = false;
};

/// The loop's work, as whoever leads does it.
class LoopWork {
 public:
  /// Works turn by turn until nothing is left (false) or `visit` is over (true: there may be more). Bit n of `ready`:
  /// the descriptor that was watched as number n had news. Never at the same time on two threads.
  virtual bool work(std::uint64_t ready, Visit& visit) noexcept = 0;

 protected:
  ~LoopWork() = default;
};

/// Several threads may wait here for the loop's descriptors, one at a time does the loop's work, and nobody waits for
/// the lead. Shared: outlives the loop in the hands of waiting callers. `Platform`: see leader_platform.hpp.
///
/// The protocol. A thread that has news adds them to `news_` and tries to take the lead (`led_`).
///   lead taken    The thread goes: whoever leads looks at `news_` once more after it has left the lead.
///   lead free     The thread takes `news_`, works, and leaves the lead. News that it leaves behind wake another
///   thread.
/// The kernel wakes the thread that went to sleep last. So while a caller leads, the loop's own thread sleeps on, but
/// never longer than a moment beside a leader that has not proved that it comes (kLateAfter). Each of both has a word:
///   leader_       awake -> asleep (it waits) -> called (its call is ready, or it has to look after a leader) -> awake
///   loop_         awake -> deep (it waits without a limit) -> called -> awake
///   loop_returns_ stays -> returns (up for the leader's sake alone, once more) -> expected (a leader waits for it)
template <class Platform>
class BasicLoopLeader {
 public:
  static constexpr unsigned kWatchedMax = LeaderEvents::kWatchedMax;
  /// News that a leader has not come for after this time are the loop's own thread's. The time doubles while leaders
  /// come, up to kLateMax: looking costs a wake-up.
  static constexpr int kLateAfter = 1;  // ms
  static constexpr int kLateMax = 16;   // ms
  /// So many turns for the leader's sake are a row.
  static constexpr unsigned kFetchesMin = 4;
  /// A leader waits for the loop's thread to be about to sleep, and no longer than this.
  static constexpr Duration kReturnMax = std::chrono::microseconds(100);

  /// Throws std::system_error when the system is out of descriptors.
  BasicLoopLeader() = default;

  /// Before open(). Edge-triggered: after news, read until there is nothing. `number` < kWatchedMax.
  void watch(int fd, unsigned number) { events_.watch(fd, number); }
  /// From now on `work` is called. By the thread that calls turn() afterwards.
  void open(LoopWork& work) noexcept;
  /// `work` is not called any more, and nobody is in it. Not from within work().
  void close() noexcept;

  /// Waits for news, then works. [loop thread]
  void turn() noexcept;
  /// Works, then waits for news and works on until `call` is ready or `deadline` has passed. False: this thread must
  /// wait in another way, because another caller drives already or it may not (LeaderStanding). [any thread]
  [[nodiscard]] bool lead_until(Awaited& call, Instant deadline) noexcept;

  /// Makes a thread that waits here work. [any thread]
  void wake() const noexcept { events_.signal(); }
  /// The leader's call is ready: wakes it if it sleeps. [any thread]
  void wake_leader() noexcept;
  /// work() is called at this time at the latest. Inside work().
  void wake_by(Instant at) noexcept;

 private:
  static constexpr std::uint32_t kAwake = 0;
  static constexpr std::uint32_t kAsleep = 1;
  static constexpr std::uint32_t kDeep = 1;    // the loop's thread: without a limit
  static constexpr std::uint32_t kCalled = 2;  // asleep, and wanted: its call is ready, or it is to look after a leader
  static constexpr std::uint32_t kStays = 0;
  static constexpr std::uint32_t kReturns = 1;   // the loop's thread is up for the leader's sake alone, once more
  static constexpr std::uint32_t kExpected = 2;  // and a leader waits until it is about to sleep

  void serve(std::uint64_t ready, Visit& visit) noexcept;
  void sleep_as_leader(const Awaited& call, Instant deadline) noexcept;
  [[nodiscard]] std::uint64_t listen() noexcept;
  void leave_deep_sleep() noexcept;
  void fetch_loop() noexcept;
  void end_row() noexcept;
  void let_loop_return() noexcept;
  [[nodiscard]] bool fetch_leader() noexcept;

  template <class T>
  using Atomic = typename Platform::template Atomic<T>;

  typename Platform::Events events_;
  typename Platform::Standing standing_;
  Instant timer_at_ = kNever;      // what the timer is set to; whoever leads
  LoopWork* work_ = nullptr;       // whoever leads
  Atomic<std::uint64_t> news_{0};  // not yet handed to work()
  Atomic<bool> led_{false};        // the lead is taken
  Atomic<bool> leads_{false};      // a caller leads, or sleeps until there is news to lead for
  Atomic<std::uint32_t> leader_{kAwake};
  Atomic<std::uint32_t> sleeps_{0};  // how often a leader went to sleep
  Atomic<std::uint32_t> loop_{kAwake};
  Atomic<std::uint32_t> loop_returns_{kStays};
  // The loop's thread only.
  std::uint32_t sleeps_seen_ = 0;
  bool alert_ = false;  // leaders were here, and it was not idle since
  int patience_ = kLateAfter;
  bool leader_is_late_ = false;
  unsigned fetches_ = 0;  // turns in a row for the leader's sake
  Instant fetch_again_at_{};
};

using LoopLeader = BasicLoopLeader<LinuxLeader>;
extern template class BasicLoopLeader<LinuxLeader>;

}  // namespace flame::pool
