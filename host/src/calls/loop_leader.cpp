// The lead on Linux: epoll with several waiters, all descriptors edge-triggered; futexes; scheduling classes.
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
#include <ctime>
#include <system_error>
#include <thread>

#include "host/src/calls/loop_leader_impl.hpp"
#include "host/src/calls/scheduling_class.hpp"
#include "plugin_sdk/base/assert.hpp"

namespace flame::pool {
namespace {

constexpr int kEventsMax = 16;
constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kStandingAge = 100'000'000;  // ns

static_assert(sizeof(std::atomic<std::uint32_t>) == sizeof(std::uint32_t));

base::UniqueFd opened(int fd, const char* what) {
  if (fd < 0) throw std::system_error(errno, std::generic_category(), what);
  return base::UniqueFd(fd);
}

timespec to_timespec(std::int64_t ns) {
  return {static_cast<time_t>(ns / kSecond), static_cast<long>(ns % kSecond)};
}

struct Judged {
  pid_t loop = 0;
  std::int64_t at = 0;
  bool may_drive = false;
};
thread_local Judged judged;

// Good to some milliseconds, for some nanoseconds.
std::int64_t coarse_time() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return now.tv_sec * kSecond + now.tv_nsec;
}

bool is_no_less_than(pid_t loop) noexcept {
  const auto mine = SchedulingClass::of(0);
  const auto of_loop = SchedulingClass::of(loop);
  if (!mine || !of_loop) return !mine && !of_loop;  // a sandbox may hide them all: then nobody is less
  return is_at_least(*mine, *of_loop);
}

}  // namespace

LeaderEvents::LeaderEvents()
    : epoll_(opened(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      timer_(opened(::timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC), "timerfd_create")) {
  watch(timer_.get(), kWatchedMax);  // work() looks at the clock and the commands anyway
  watch(wake_.fd(), kWatchedMax);
}

void LeaderEvents::watch(int fd, unsigned number) {
  FLAME_ASSERT(number <= kWatchedMax, "one bit per descriptor");
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.u32 = number;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    throw std::system_error(errno, std::generic_category(), "epoll_ctl");
  }
}

std::uint64_t LeaderEvents::wait(int timeout_ms) const noexcept {
  std::array<epoll_event, kEventsMax> events;
  const int count = ::epoll_wait(epoll_.get(), events.data(), kEventsMax, timeout_ms);
  std::uint64_t news = count < 0 ? kLook : 0;  // a signal: look, then wait again
  for (int i = 0; i < count; ++i) news |= std::uint64_t{1} << events[static_cast<std::size_t>(i)].data.u32;
  return news;
}

void LeaderEvents::set_timer(Instant at) const noexcept {
  itimerspec spec{};
  if (at != kNever) spec.it_value = to_timespec(std::max<std::int64_t>(1, at.time_since_epoch().count()));
  ::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &spec, nullptr);
}

void LeaderStanding::loop_is_here() noexcept {
  loop_.store(static_cast<pid_t>(::syscall(SYS_gettid)));
}

bool LeaderStanding::may_drive() const noexcept {
  const pid_t loop = loop_.load();
  const std::int64_t now = coarse_time();
  if (judged.loop != loop || now - judged.at >= kStandingAge) judged = {loop, now, loop == 0 || is_no_less_than(loop)};
  return judged.may_drive;
}

LinuxLeader::Whole::Whole() noexcept {
  ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before_);
}

LinuxLeader::Whole::~Whole() {
  ::pthread_setcancelstate(before_, nullptr);
}

bool LinuxLeader::sleep_on(std::atomic<std::uint32_t>& word, std::uint32_t expected, Duration limit) noexcept {
  if (limit <= Duration::zero()) return false;
  const timespec time = to_timespec(limit.count());
  const timespec* const end = limit == base::kInfinite ? nullptr : &time;
  const long rc = ::syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, expected, end, nullptr, 0);
  return rc == 0 || errno != ETIMEDOUT;
}

void LinuxLeader::wake_all(std::atomic<std::uint32_t>& word) noexcept {
  ::syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}

void LinuxLeader::yield() noexcept {
  std::this_thread::yield();
}

template class BasicLoopLeader<LinuxLeader>;

}  // namespace flame::pool
