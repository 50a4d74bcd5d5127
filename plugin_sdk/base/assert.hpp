// FLAME_ASSERT: an invariant of our own code. Always on; never for input from outside, which gets a typed error.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace flame::base {

[[noreturn]] inline void assertion_failed(const char* file, int line, const char* condition, const char* message) {
  std::fprintf(stderr, "%s:%d: assertion failed: %s: %s\n", file, line, condition, message);
  std::abort();
}

}  // namespace flame::base

/// Aborts with file, line, condition and `message` (a string literal) when `condition` is false.
#define FLAME_ASSERT(condition, message)                                        \
  do {                                                                          \
    if (!(condition)) [[unlikely]]                                              \
      ::flame::base::assertion_failed(__FILE__, __LINE__, #condition, message); \
  } while (false)
