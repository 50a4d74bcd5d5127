// The loop's queue. The event descriptor is written only when the loop sleeps: an awake loop costs callers no system
// call.
#include "host/src/inbox.hpp"

#include <utility>

namespace flame::pool {

bool Inbox::push(Command&& command) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    if (closed_) {
      return false;
    }
    commands_.push_back(std::move(command));
    wake = std::exchange(sleeping_, false);
  }
  if (wake) {
    wake_.signal();
  }
  return true;
}

void Inbox::take_all(std::vector<Command>& out) {
  out.clear();
  const std::lock_guard lock(mutex_);
  commands_.swap(out);
}

bool Inbox::prepare_sleep() {
  const std::lock_guard lock(mutex_);
  sleeping_ = commands_.empty();
  return sleeping_;
}

void Inbox::woken(bool readable) noexcept {
  {
    const std::lock_guard lock(mutex_);
    sleeping_ = false;
  }
  if (readable) {
    wake_.clear();
  }
}

void Inbox::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
}

}  // namespace flame::pool
