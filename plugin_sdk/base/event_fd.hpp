// A wake-up for a thread that waits in poll().
#pragma once

#include "plugin_sdk/base/unique_fd.hpp"

namespace flame::base {

/// Readable from signal() until clear(). Signals before a clear() count as one.
class EventFd {
 public:
  /// Throws std::system_error when the system is out of descriptors.
  EventFd();
  /// [any thread, also in signal handlers]
  void signal() const noexcept;
  /// [owner] Never blocks.
  void clear() const noexcept;
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

 private:
  UniqueFd fd_;
};

}  // namespace flame::base
