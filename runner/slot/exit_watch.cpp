// Exit handlers run on the thread that called exit().
#include "runner/slot/exit_watch.hpp"

#include <unistd.h>

#include <cstdlib>
#include <mutex>

namespace flame::slot {
namespace {

thread_local ControlPage* own_page = nullptr;
pid_t own_process = 0;  // a child that a task has forked is not the slot

void mark() {
  if (own_page != nullptr && ::getpid() == own_process) own_page->exited.store(1, std::memory_order_release);
}

}  // namespace

void watch_exit(ControlPage* page) {
  static std::once_flag registered;
  own_page = page;
  std::call_once(registered, [] {
    own_process = ::getpid();
    // Without room for the handlers only the blame is less exact.
    static_cast<void>(std::atexit(mark));
    static_cast<void>(std::at_quick_exit(mark));
  });
}

}  // namespace flame::slot
