// A flag that is set once, threads that wait for it, and one continuation: what every CallState is made of.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>

#include <flame/detail/call_state.hpp>

#include "host/src/executor.hpp"

namespace flame::pool {

/// The readiness half of CallState. Waiters sleep on a futex and are woken by whoever calls set_ready(), directly.
class Waitable : public detail::CallState, public std::enable_shared_from_this<Waitable> {
 public:
  explicit Waitable(std::shared_ptr<Executor> executor) : executor_(std::move(executor)) {}

  [[nodiscard]] bool ready() const noexcept final;
  bool wait(Duration timeout) final;
  void subscribe(detail::Continuation continuation) final;
  bool unsubscribe() noexcept final;
  [[nodiscard]] const std::shared_ptr<Executor>& executor() const noexcept { return executor_; }

 protected:
  /// Once, after the result is in place.
  void set_ready();

 private:
  void run_continuation();

  std::shared_ptr<Executor> executor_;
  std::atomic<std::uint32_t> word_ = 0;
  std::mutex mutex_;
  detail::Continuation continuation_;
};

}  // namespace flame::pool
