// A flag that is set once, threads that wait for it, and one continuation: what every CallState is made of.
#pragma once

#include <memory>
#include <mutex>

#include <flame/detail/call_state.hpp>

#include "host/src/calls/executor.hpp"
#include "host/src/calls/loop_leader.hpp"
#include "host/src/calls/ready_word.hpp"

namespace flame::pool {

/// The readiness half of CallState. In a fork of the host's process, where nobody makes it ready any more, wait()
/// throws CallError shutting_down.
class Waitable : public detail::CallState, public std::enable_shared_from_this<Waitable>, private Awaited {
 public:
  /// Who has less time than this does not work for others meanwhile: it might be late for itself.
  static constexpr Duration kLeadMin = std::chrono::milliseconds(100);

  /// `leader`: where a waiter may lead; null: nowhere, for a callback makes this ready. It lives as long as this.
  explicit Waitable(std::shared_ptr<Executor> executor, LoopLeader* leader = nullptr)
      : executor_(std::move(executor)), leader_(leader) {}

  [[nodiscard]] bool ready() const noexcept final { return word_.ready(); }
  bool wait(Duration timeout) final;
  void subscribe(detail::Continuation continuation) final;
  bool unsubscribe() noexcept final;
  [[nodiscard]] const std::shared_ptr<Executor>& executor() const noexcept { return executor_; }

 protected:
  /// Once, after the result is in place.
  void set_ready();

 private:
  [[nodiscard]] bool is_ready() const noexcept final { return ready(); }
  void begin_leading() noexcept final { word_.begin_leading(); }
  void end_leading() noexcept final { word_.end_leading(); }
  void run_continuation();
  [[nodiscard]] detail::Continuation take_continuation() noexcept;

  std::shared_ptr<Executor> executor_;
  LoopLeader* leader_;
  ReadyWord word_;
  std::mutex mutex_;
  detail::Continuation continuation_;
};

}  // namespace flame::pool
