// Who waits drives the loop, or sleeps on the word; continuations run on the executor.
#include "host/src/calls/waitable.hpp"

#include <utility>

#include "host/src/calls/forked.hpp"
#include "plugin_sdk/base/assert.hpp"
#include "plugin_sdk/base/boot_time.hpp"

namespace flame::pool {

bool Waitable::wait(Duration timeout) {
  if (ready()) return true;
  if (executor_ != nullptr && executor_->forked()) throw CallError(forked_error());
  if (timeout == Duration::zero()) return false;
  using Blocking = Executor::BlockingScope;
  const Blocking blocking(leader_ == nullptr ? Blocking::By::task : Blocking::By::loop);
  const bool endless = timeout < Duration::zero();
  const Instant deadline = endless ? kNever : base::deadline_after(base::boot_time(), timeout);
  if (leader_ != nullptr && (endless || timeout >= kLeadMin) && leader_->lead_until(*this, deadline)) return ready();
  return word_.sleep(deadline);
}

void Waitable::set_ready() {
  const bool fresh = word_.set(leader_);
  FLAME_ASSERT(fresh, "a call was completed twice");
  bool subscribed = false;
  {
    const std::lock_guard lock(mutex_);
    subscribed = static_cast<bool>(continuation_);
  }
  if (subscribed) executor_->post([self = shared_from_this()] { self->run_continuation(); });
}

void Waitable::subscribe(detail::Continuation continuation) {
  {
    const std::lock_guard lock(mutex_);
    FLAME_ASSERT(!continuation_, "a call has one continuation");
    continuation_ = std::move(continuation);
    if (!ready()) return;
  }
  executor_->post([self = shared_from_this()] { self->run_continuation(); });
}

void Waitable::run_continuation() {
  if (detail::Continuation continuation = take_continuation()) continuation();
}

bool Waitable::unsubscribe() noexcept {
  return static_cast<bool>(take_continuation());  // destroyed outside the lock
}

detail::Continuation Waitable::take_continuation() noexcept {
  const std::lock_guard lock(mutex_);
  return std::exchange(continuation_, {});
}

}  // namespace flame::pool
