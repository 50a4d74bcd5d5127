// The loop's queue. The loop is woken only when it sleeps: an awake loop costs callers no system call.
#include "host/src/calls/inbox.hpp"

#include <new>
#include <utility>

namespace flame::pool {

bool Inbox::push(Command&& command, Wake wake) {
  if (forked()) {
    return false;  // the mutex may be locked for ever here
  }
  bool asleep = false;
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return false;
    commands_.push_back(std::move(command));
    asleep = wake == Wake::now && std::exchange(sleeping_, false);
  }
  if (asleep) leader_.wake();
  return true;
}

void Inbox::take_all(std::vector<Command>& out) {
  out.clear();
  const std::lock_guard lock(mutex_);
  sleeping_ = false;
  commands_.swap(out);
}

bool Inbox::prepare_sleep() {
  const std::lock_guard lock(mutex_);
  sleeping_ = commands_.empty();
  return sleeping_;
}

void Inbox::close(const std::string& why) noexcept {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  try {
    why_closed_ = why;
  } catch (const std::bad_alloc&) {
    // The code of the error says enough.
  }
}

Error Inbox::refusal() {
  if (forked()) return forked_error();
  const std::lock_guard lock(mutex_);
  return {.code = ErrorCode::shutting_down, .message = why_closed_, .started = Started::no};
}

}  // namespace flame::pool
