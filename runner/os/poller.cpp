// See poller.hpp.
#include "runner/os/poller.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace flame::runner {
namespace {

std::uint64_t pack(Key key) {
  return static_cast<std::uint64_t>(key.source) << 56 | static_cast<std::uint64_t>(key.index) << 40 | key.id;
}

Key unpack(std::uint64_t word) {
  return {static_cast<Source>(word >> 56), static_cast<std::uint16_t>(word >> 40), word & ((1ULL << 40) - 1)};
}

}  // namespace

Poller::Poller() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (!epoll_) throw std::system_error(errno, std::system_category(), "epoll_create1");
}

void Poller::add(int fd, Key key) {
  if (fd < 0) return;
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = pack(key);
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0 && errno != EEXIST) {
    throw std::system_error(errno, std::system_category(), "epoll_ctl");
  }
}

void Poller::remove(int fd) {
  if (fd >= 0) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

void Poller::watch_writable(int fd, Key key, bool on) {
  if (fd < 0) return;
  epoll_event event{};
  event.events = EPOLLIN | (on ? EPOLLOUT : 0u);
  event.data.u64 = pack(key);
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);
}

std::span<const Poller::Ready> Poller::wait(Instant now, Instant wake_at) {
  const int count = ::epoll_wait(epoll_.get(), events_.data(), static_cast<int>(events_.size()),
                                 base::milliseconds_until(wake_at, now));
  const auto got = static_cast<std::size_t>(std::max(count, 0));
  for (std::size_t i = 0; i < got; ++i) {
    ready_[i] = {unpack(events_[i].data.u64), (events_[i].events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0,
                 (events_[i].events & EPOLLOUT) != 0};
  }
  return {ready_.data(), got};
}

}  // namespace flame::runner
