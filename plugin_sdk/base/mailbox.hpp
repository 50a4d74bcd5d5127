// A queue from many threads to one that waits in poll().
#pragma once

#include <mutex>
#include <utility>
#include <vector>

#include "plugin_sdk/base/event_fd.hpp"

namespace flame::base {

/// Wakes its owner only when it turns from empty to non-empty: a burst costs one system call.
template <typename T>
class Mailbox {
 public:
  /// [any thread]
  void push(T item) {
    bool was_empty = false;
    {
      const std::lock_guard lock(mutex_);
      was_empty = items_.empty();
      items_.push_back(std::move(item));
    }
    if (was_empty) wake_.signal();
  }

  /// [owner] Replaces the contents of `out` by all items in the order of their push(). Reuse `out`: the storage of the
  /// two vectors is swapped. fd() is not readable afterwards, up to a spurious wake-up.
  void take_all(std::vector<T>& out) {
    out.clear();
    const std::lock_guard lock(mutex_);
    if (items_.empty()) {
      wake_.clear();
      return;
    }
    // Inside the lock: a push() after the swap must not have its signal eaten.
    wake_.clear();
    items_.swap(out);
  }

  /// Readable while items wait; for poll().
  [[nodiscard]] int fd() const noexcept { return wake_.fd(); }

 private:
  std::mutex mutex_;
  std::vector<T> items_;
  EventFd wake_;
};

}  // namespace flame::base
