// Threads of a library stay out of its program's way.
#pragma once

#include <pthread.h>

#include <csignal>

namespace flame::base {

/// While it lives, threads that this one starts have every signal blocked that may come from outside: those belong to
/// the program's own threads. What a thread's own fault raises stays open, so that the program's crash handler sees it.
class BlockSignals {
 public:
  BlockSignals() {
    sigset_t set;
    sigfillset(&set);
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS}) sigdelset(&set, fault);
    pthread_sigmask(SIG_SETMASK, &set, &before_);
  }
  ~BlockSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  BlockSignals(const BlockSignals&) = delete;
  BlockSignals& operator=(const BlockSignals&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace flame::base
