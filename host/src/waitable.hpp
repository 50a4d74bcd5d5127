// A flag that is set once, threads that wait for it, and one continuation: what every CallState is made of.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>

#include <flame/detail/call_state.hpp>

#include "host/src/executor.hpp"
#include "host/src/loop_seat.hpp"

namespace flame::pool {

/// The readiness half of CallState. Waiters sleep on a futex and are woken by whoever calls set_ready(), directly; or
/// one of them drives the loop meanwhile.
class Waitable : public detail::CallState, public std::enable_shared_from_this<Waitable>, private Driven {
 public:
  /// `seat`: where a waiter may drive; null: nowhere. It lives as long as this.
  explicit Waitable(std::shared_ptr<Executor> executor, LoopSeat* seat = nullptr)
      : executor_(std::move(executor)), seat_(seat) {}

  [[nodiscard]] bool ready() const noexcept final;
  bool wait(Duration timeout) final;
  void subscribe(detail::Continuation continuation) final;
  bool unsubscribe() noexcept final;
  [[nodiscard]] const std::shared_ptr<Executor>& executor() const noexcept { return executor_; }

 protected:
  /// Once, after the result is in place.
  void set_ready();

 private:
  [[nodiscard]] bool is_ready() const noexcept final { return ready(); }
  void begin_driving() noexcept final;
  void end_driving() noexcept final;
  void run_continuation();

  std::shared_ptr<Executor> executor_;
  LoopSeat* seat_;
  std::atomic<std::uint32_t> word_ = 0;
  std::mutex mutex_;
  detail::Continuation continuation_;
};

}  // namespace flame::pool
