// Who runs the loop now: its own thread, or a caller that waits for a result anyway and so saves two wake-ups per call.
#pragma once

#include <atomic>
#include <cstdint>

#include "host/src/types.hpp"
#include "plugin_sdk/base/event_fd.hpp"
#include "plugin_sdk/base/unique_fd.hpp"

namespace flame::pool {

/// The loop's work, as whoever sits in the seat does it: until nothing is left to do.
class LoopWork {
 public:
  /// Bit n of `ready`: the descriptor that was watched as number n had news. Never at the same time on two threads.
  virtual void work(std::uint64_t ready) = 0;

 protected:
  ~LoopWork() = default;
};

/// What a driver waits for.
class Driven {
 public:
  [[nodiscard]] virtual bool is_ready() const noexcept = 0;
  /// Between these two whoever makes it ready calls LoopSeat::call_driver() afterwards.
  virtual void begin_driving() noexcept = 0;
  virtual void end_driving() noexcept = 0;

 protected:
  ~Driven() = default;
};

/// Several threads may wait here for the loop's descriptors, one at a time does the loop's work, and nobody waits for
/// the seat: who finds it taken leaves the news to the one who sits. The kernel wakes the thread that came last, so
/// while a caller drives, the loop's own thread sleeps on. Shared: outlives the loop in the hands of waiting callers.
class LoopSeat {
 public:
  /// Throws std::system_error when the system is out of descriptors.
  LoopSeat();

  /// Before open(). Edge-triggered: after news, read until there is nothing. `number` < kWatchedMax.
  void watch(int fd, unsigned number);
  static constexpr unsigned kWatchedMax = 62;
  /// From now on `work` is called.
  void open(LoopWork& work) noexcept;
  /// `work` is not called any more, and nobody is in it. Not from within work().
  void close() noexcept;

  /// Waits for news, then works. [loop thread]
  void turn();
  /// Works, then waits for news and works on until `call` is ready or `timeout` has passed; negative: no limit. False:
  /// another caller drives already, so this one must wait in another way. [any thread]
  [[nodiscard]] bool drive(Driven& call, Duration timeout);

  /// Makes a thread that waits here work. [any thread]
  void wake() const noexcept { wake_.signal(); }
  /// The driver's call is ready: wakes it if it sleeps. [any thread]
  void call_driver() noexcept;
  /// work() is called at this time at the latest. Inside work().
  void wake_by(Instant at) noexcept;

 private:
  static constexpr std::uint32_t kAwake = 0;
  static constexpr std::uint32_t kAsleep = 1;
  static constexpr std::uint32_t kCalled = 2;  // asleep, and its call is ready

  void serve(std::uint64_t ready) noexcept;
  void sleep_as_driver(const Driven& call, int timeout_ms) noexcept;
  [[nodiscard]] std::uint64_t wait_for_news(int timeout_ms) const noexcept;

  base::UniqueFd epoll_;
  base::UniqueFd timer_;
  base::EventFd wake_;
  Instant timer_at_ = kNever;           // what the timer is set to; in the seat
  std::atomic<std::uint64_t> news_{0};  // not yet handed to work()
  std::atomic<bool> taken_{false};
  std::atomic<bool> driven_{false};
  std::atomic<std::uint32_t> driver_{kAwake};
  LoopWork* work_ = nullptr;  // in the seat
};

}  // namespace flame::pool
