// epoll with several waiters. All descriptors are edge-triggered: one piece of news wakes one thread, once.
#include "host/src/loop_seat.hpp"

#include <linux/futex.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <limits>
#include <system_error>
#include <thread>
#include <utility>

#include "host/src/boot_time.hpp"
#include "plugin_sdk/base/assert.hpp"

namespace flame::pool {
namespace {

constexpr unsigned kOwn = LoopSeat::kWatchedMax;         // timer and wake(): work() looks at both anyway
constexpr std::uint64_t kLook = std::uint64_t{1} << 63;  // nothing of the descriptors: look at the commands
constexpr int kEventsMax = 16;

base::UniqueFd opened(int fd, const char* what) {
  if (fd < 0) throw std::system_error(errno, std::generic_category(), what);
  return base::UniqueFd(fd);
}

void futex(std::atomic<std::uint32_t>& word, int operation, std::uint32_t value) noexcept {
  ::syscall(SYS_futex, &word, operation, value, nullptr, nullptr, 0);
}

/// A caller that is cancelled half-way through the loop's work would leave it torn.
class NoCancellation {
 public:
  NoCancellation() noexcept { ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before_); }
  ~NoCancellation() { ::pthread_setcancelstate(before_, nullptr); }
  NoCancellation(const NoCancellation&) = delete;
  NoCancellation& operator=(const NoCancellation&) = delete;

 private:
  int before_ = 0;
};

int milliseconds_until(Instant deadline) {
  if (deadline == kNever) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - boot_time()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, std::numeric_limits<int>::max()));
}

}  // namespace

LoopSeat::LoopSeat()
    : epoll_(opened(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      timer_(opened(::timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC), "timerfd_create")) {
  watch(timer_.get(), kOwn);
  watch(wake_.fd(), kOwn);
}

void LoopSeat::watch(int fd, unsigned number) {
  FLAME_ASSERT(number <= kWatchedMax, "one bit per descriptor");
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.u32 = number;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    throw std::system_error(errno, std::generic_category(), "epoll_ctl");
  }
}

void LoopSeat::open(LoopWork& work) noexcept {
  while (taken_.exchange(true)) std::this_thread::yield();  // a caller may be faster than the loop's thread
  work_ = &work;
  taken_.store(false);
  // What came before anybody listened.
  news_.store(~std::uint64_t{0});
}

void LoopSeat::close() noexcept {
  while (taken_.exchange(true)) std::this_thread::yield();
  work_ = nullptr;
  taken_.store(false);
}

// A wake-up that is meant for the driver may have come here: no news is taken until the driver is up.
void LoopSeat::turn() {
  serve(wait_for_news(-1));
  while (driver_.load() == kCalled) {
    wake_.signal();
    futex(driver_, FUTEX_WAIT_PRIVATE, kCalled);
  }
}

// Who finds the seat taken may go: the one who sits looks at `news_` once more after leaving it.
void LoopSeat::serve(std::uint64_t ready) noexcept {
  news_.fetch_or(ready);
  while (news_.load() != 0 && !taken_.exchange(true)) {
    const std::uint64_t news = news_.exchange(0);
    if (work_ != nullptr) work_->work(news);
    taken_.store(false);
  }
}

bool LoopSeat::drive(Driven& call, Duration timeout) {
  const NoCancellation whole;
  const Instant deadline = timeout < Duration::zero() ? kNever : base::deadline_after(boot_time(), timeout);
  serve(kLook);  // the call itself may still be in the inbox
  if (driven_.exchange(true)) return false;
  call.begin_driving();
  while (!call.is_ready()) {
    const int left = milliseconds_until(deadline);
    if (left == 0) break;
    sleep_as_driver(call, left);
  }
  call.end_driving();
  driven_.store(false);
  return true;
}

void LoopSeat::sleep_as_driver(const Driven& call, int timeout_ms) noexcept {
  driver_.store(kAsleep);
  // News while another thread sits are its own to see to: spinning until it is done would take its processor.
  const bool news_are_ours = news_.load() != 0 && !taken_.load();
  const std::uint64_t news = call.is_ready() || news_are_ours ? 0 : wait_for_news(timeout_ms);
  if (driver_.exchange(kAwake) == kCalled) futex(driver_, FUTEX_WAKE_PRIVATE, INT_MAX);
  serve(news);
}

void LoopSeat::call_driver() noexcept {
  std::uint32_t asleep = kAsleep;
  if (driver_.compare_exchange_strong(asleep, kCalled)) wake_.signal();
}

std::uint64_t LoopSeat::wait_for_news(int timeout_ms) const noexcept {
  std::array<epoll_event, kEventsMax> events;
  const int count = ::epoll_wait(epoll_.get(), events.data(), kEventsMax, timeout_ms);
  std::uint64_t news = count < 0 ? kLook : 0;  // a signal: look, then wait again
  for (int i = 0; i < count; ++i) news |= std::uint64_t{1} << events[static_cast<std::size_t>(i)].data.u32;
  return news;
}

void LoopSeat::wake_by(Instant at) noexcept {
  const Instant now = boot_time();
  // Too early does no harm; setting it costs a system call.
  if (at >= timer_at_ && timer_at_ > now) return;
  timer_at_ = at;
  itimerspec spec{};
  if (at != kNever) {
    const auto ns = std::max<std::int64_t>(1, at.time_since_epoch().count());
    spec.it_value = {static_cast<time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)};
  }
  ::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &spec, nullptr);
}

}  // namespace flame::pool
