// Which signals the threads of this library block.
#pragma once

#include <pthread.h>

#include <csignal>

namespace flame::base {

/// `mask` without the signals that a thread brings upon itself: blocked, a fault would bypass the program's own
/// handler.
[[nodiscard]] inline sigset_t without_faults(sigset_t mask) noexcept {
  for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS}) sigdelset(&mask, fault);
  return mask;
}

/// For threads that run none of the program's code: what is sent to the process belongs to the program's own threads.
[[nodiscard]] inline sigset_t all_but_faults() noexcept {
  sigset_t all;
  sigfillset(&all);
  return without_faults(all);
}

[[nodiscard]] inline sigset_t current_mask() noexcept {
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  return mask;
}

/// The calling thread's mask while this lives; threads that it starts inherit it.
class SignalMaskScope {
 public:
  explicit SignalMaskScope(const sigset_t& mask) noexcept { pthread_sigmask(SIG_SETMASK, &mask, &before_); }
  ~SignalMaskScope() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalMaskScope(const SignalMaskScope&) = delete;
  SignalMaskScope& operator=(const SignalMaskScope&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace flame::base
