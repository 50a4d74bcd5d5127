// FLAME_ASSERT: an invariant of our own code. Always on; never for input from outside, which gets a typed error.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>

namespace flame::base {

/// An invariant does not hold, in a process that is not ours to end.
class BrokenInvariant : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

inline thread_local bool assertions_throw = false;

/// While it lives, what FLAME_ASSERT finds on this thread is thrown as BrokenInvariant: in the host library, which must
/// not end the program that embeds it. Everywhere else the process ends.
class AssertionsThrow {
 public:
  AssertionsThrow() noexcept : before_(assertions_throw) { assertions_throw = true; }
  ~AssertionsThrow() { assertions_throw = before_; }
  AssertionsThrow(const AssertionsThrow&) = delete;
  AssertionsThrow& operator=(const AssertionsThrow&) = delete;

 private:
  bool before_;
};

[[noreturn]] inline void assertion_failed(const char* file, int line, const char* condition, const char* message) {
  if (assertions_throw) {
    throw BrokenInvariant(std::string(file) + ":" + std::to_string(line) + ": assertion failed: " + condition + ": " +
                          message);
  }
  std::fprintf(stderr, "%s:%d: assertion failed: %s: %s\n", file, line, condition, message);
  std::abort();
}

}  // namespace flame::base

/// Ends the process with file, line, condition and `message` (a string literal) when `condition` is false; inside an
/// AssertionsThrow throws them.
#define FLAME_ASSERT(condition, message)                                        \
  do {                                                                          \
    if (!(condition)) [[unlikely]]                                              \
      ::flame::base::assertion_failed(__FILE__, __LINE__, #condition, message); \
  } while (false)
