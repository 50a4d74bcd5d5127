// Waiting on a futex with a timeout: std::atomic::wait has none.
#include "host/src/waitable.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <ctime>
#include <utility>

#include "plugin_sdk/base/assert.hpp"

namespace flame::pool {
namespace {

constexpr std::uint32_t kPending = 0;
constexpr std::uint32_t kAwaited = 1;  // pending, and somebody sleeps
constexpr std::uint32_t kReady = 2;

static_assert(sizeof(std::atomic<std::uint32_t>) == sizeof(std::uint32_t));

timespec deadline_after(Duration timeout) {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const std::int64_t second = 1'000'000'000;
  const std::int64_t nanos = now.tv_nsec + timeout.count() % second;
  now.tv_sec += static_cast<time_t>(timeout.count() / second + nanos / second);
  now.tv_nsec = static_cast<long>(nanos % second);
  return now;
}

// False when `deadline` has passed.
bool futex_wait(std::atomic<std::uint32_t>& word, std::uint32_t expected, const timespec* deadline) {
  const long rc =
      ::syscall(SYS_futex, &word, FUTEX_WAIT_BITSET_PRIVATE, expected, deadline, nullptr, FUTEX_BITSET_MATCH_ANY);
  return rc == 0 || errno != ETIMEDOUT;
}

}  // namespace

bool Waitable::ready() const noexcept {
  return word_.load(std::memory_order_acquire) == kReady;
}

bool Waitable::wait(Duration timeout) {
  if (ready()) {
    return true;
  }
  if (timeout == Duration::zero()) {
    return false;
  }
  const Executor::BlockingScope blocking;
  const timespec deadline = timeout < Duration::zero() ? timespec{} : deadline_after(timeout);
  const timespec* const limit = timeout < Duration::zero() ? nullptr : &deadline;
  std::uint32_t seen = kPending;
  word_.compare_exchange_strong(seen, kAwaited);
  while (!ready()) {
    if (!futex_wait(word_, kAwaited, limit)) {
      return ready();
    }
  }
  return true;
}

void Waitable::set_ready() {
  const std::uint32_t before = word_.exchange(kReady);
  FLAME_ASSERT(before != kReady, "a call was completed twice");
  if (before == kAwaited) {
    ::syscall(SYS_futex, &word_, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
  }
  bool subscribed = false;
  {
    const std::lock_guard lock(mutex_);
    subscribed = static_cast<bool>(continuation_);
  }
  if (subscribed) {
    executor_->post([self = shared_from_this()] { self->run_continuation(); });
  }
}

void Waitable::subscribe(detail::Continuation continuation) {
  {
    const std::lock_guard lock(mutex_);
    FLAME_ASSERT(!continuation_, "a call has one continuation");
    continuation_ = std::move(continuation);
    if (!ready()) {
      return;
    }
  }
  executor_->post([self = shared_from_this()] { self->run_continuation(); });
}

void Waitable::run_continuation() {
  detail::Continuation continuation;
  {
    const std::lock_guard lock(mutex_);
    continuation = std::exchange(continuation_, {});
  }
  if (continuation) {
    continuation();
  }
}

bool Waitable::unsubscribe() noexcept {
  detail::Continuation continuation;  // destroyed outside the lock
  {
    const std::lock_guard lock(mutex_);
    continuation = std::exchange(continuation_, {});
  }
  return static_cast<bool>(continuation);
}

}  // namespace flame::pool
