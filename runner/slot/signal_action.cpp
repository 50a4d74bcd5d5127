// The handlers of a slot's signals, compared with what they were after start_slot().
#include "runner/slot/signal_action.hpp"

#include <algorithm>

namespace flame::slot {
namespace {

bool masks_equal(const sigset_t& a, const sigset_t& b) {
  for (int signal = 1; signal < NSIG; ++signal) {
    if (::sigismember(&a, signal) != ::sigismember(&b, signal)) return false;
  }
  return true;
}

bool acts_alike(const struct sigaction& a, const struct sigaction& b) {
  const bool siginfo = (a.sa_flags & SA_SIGINFO) != 0;
  return a.sa_flags == b.sa_flags && masks_equal(a.sa_mask, b.sa_mask) &&
         (siginfo ? a.sa_sigaction == b.sa_sigaction : a.sa_handler == b.sa_handler);
}

}  // namespace

HandlerWatch::HandlerWatch(std::uint64_t caught) {
  for (int signal = 1; signal < NSIG; ++signal) {
    struct sigaction action {};
    const bool handled = (caught >> (signal - 1) & 1) != 0;
    if (handled && ::sigaction(signal, nullptr, &action) == 0) home_.push_back({signal, action});
  }
}

bool HandlerWatch::changed() const {
  return std::any_of(home_.begin(), home_.end(), [](const Row& row) {
    struct sigaction present {};
    return ::sigaction(row.signal, nullptr, &present) != 0 || !acts_alike(present, row.action);
  });
}

}  // namespace flame::slot
