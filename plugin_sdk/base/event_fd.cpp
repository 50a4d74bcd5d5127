// Implements EventFd.
#include "plugin_sdk/base/event_fd.hpp"

#include <sys/eventfd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

namespace flame::base {

EventFd::EventFd() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!fd_) throw std::system_error(errno, std::generic_category(), "eventfd");
}

void EventFd::signal() const noexcept {
  const std::uint64_t one = 1;
  // EAGAIN means that the counter is full, so the reader is awake anyway.
  [[maybe_unused]] const auto ignored = ::write(fd_.get(), &one, sizeof one);
}

void EventFd::clear() const noexcept {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto ignored = ::read(fd_.get(), &count, sizeof count);
}

}  // namespace flame::base
