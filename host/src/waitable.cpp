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

// Bits of the word.
constexpr std::uint32_t kAwaited = 1;  // somebody sleeps on the word
constexpr std::uint32_t kDriven = 2;   // somebody drives the loop until it is ready
constexpr std::uint32_t kReady = 4;

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
  return (word_.load() & kReady) != 0;
}

bool Waitable::wait(Duration timeout) {
  if (ready()) {
    return true;
  }
  if (timeout == Duration::zero()) {
    return false;
  }
  const Executor::BlockingScope blocking;
  if (seat_ != nullptr && seat_->drive(*this, timeout)) {
    return ready();
  }
  const timespec deadline = timeout < Duration::zero() ? timespec{} : deadline_after(timeout);
  const timespec* const limit = timeout < Duration::zero() ? nullptr : &deadline;
  for (;;) {
    const std::uint32_t seen = word_.fetch_or(kAwaited) | kAwaited;
    if ((seen & kReady) != 0) {
      return true;
    }
    if (!futex_wait(word_, seen, limit)) {
      return ready();
    }
  }
}

void Waitable::begin_driving() noexcept {
  word_.fetch_or(kDriven);
}

void Waitable::end_driving() noexcept {
  word_.fetch_and(~kDriven);
}

void Waitable::set_ready() {
  const std::uint32_t before = word_.fetch_or(kReady);
  FLAME_ASSERT((before & kReady) == 0, "a call was completed twice");
  if ((before & kDriven) != 0) {
    seat_->call_driver();
  }
  if ((before & kAwaited) != 0) {
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
