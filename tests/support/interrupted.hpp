// A program that is interrupted by a handler of its own, as under a profiler.
#pragma once

#include <signal.h>
#include <sys/time.h>

#include <atomic>
#include <chrono>

namespace flame::test {

/// How often the handler ran, in all.
inline std::atomic<unsigned> interruptions{0};

/// While it lives this process gets SIGALRM with a handler in each `interval`, below a second.
class Interrupted {
 public:
  explicit Interrupted(std::chrono::microseconds interval) {
    struct sigaction action {};
    action.sa_handler = [](int) { ++interruptions; };
    ::sigaction(SIGALRM, &action, &before_);
    const timeval time{.tv_sec = 0, .tv_usec = interval.count()};
    const itimerval often{time, time};
    ::setitimer(ITIMER_REAL, &often, nullptr);
  }
  ~Interrupted() {
    const itimerval never{};
    ::setitimer(ITIMER_REAL, &never, nullptr);
    ::sigaction(SIGALRM, &before_, nullptr);
  }
  Interrupted(const Interrupted&) = delete;
  Interrupted& operator=(const Interrupted&) = delete;

 private:
  struct sigaction before_ {};
};

}  // namespace flame::test
