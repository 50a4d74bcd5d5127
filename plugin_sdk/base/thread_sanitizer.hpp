// Tells ThreadSanitizer of an order between threads that code without instrumentation makes.
#pragma once

#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif

namespace flame::base {

/// What this thread did before hand_over(object) comes before what another one does after take_over(object): true
/// because of a library that passes `object` on, which ThreadSanitizer cannot see. Without it both do nothing.
inline void hand_over([[maybe_unused]] void* object) noexcept {
#if defined(__SANITIZE_THREAD__)
  __tsan_release(object);
#endif
}
inline void take_over([[maybe_unused]] void* object) noexcept {
#if defined(__SANITIZE_THREAD__)
  __tsan_acquire(object);
#endif
}

}  // namespace flame::base
