// Notes failed allocations. C code that does not check malloc() dies of SIGSEGV under a memory limit: only a look at
// malloc itself tells that apart from a bug. The C library's own functions do the work.
#include "runner/slot/allocation_probe.hpp"

#include <cerrno>
#include <cstddef>

#include "runner/slot/crash_handler.hpp"

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

namespace {

void* noted(void* memory) noexcept {
  if (memory == nullptr) [[unlikely]] {
    if (flame::slot::ControlPage* page = flame::slot::current_page()) page->allocation_failed.store(1);
  }
  return memory;
}

}  // namespace

extern "C" {

void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);

[[gnu::visibility("default")]] void* malloc(std::size_t size) noexcept {
  return noted(__libc_malloc(size));
}

[[gnu::visibility("default")]] void* calloc(std::size_t count, std::size_t size) noexcept {
  return noted(__libc_calloc(count, size));
}

[[gnu::visibility("default")]] void* realloc(void* memory, std::size_t size) noexcept {
  void* moved = __libc_realloc(memory, size);
  return size == 0 ? moved : noted(moved);
}

[[gnu::visibility("default")]] void* memalign(std::size_t alignment, std::size_t size) noexcept {
  return noted(__libc_memalign(alignment, size));
}

[[gnu::visibility("default")]] void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  return noted(__libc_memalign(alignment, size));
}

[[gnu::visibility("default")]] int posix_memalign(void** result, std::size_t alignment, std::size_t size) noexcept {
  if (alignment % sizeof(void*) != 0 || (alignment & (alignment - 1)) != 0 || alignment == 0) return EINVAL;
  void* memory = noted(__libc_memalign(alignment, size));
  if (memory == nullptr) return ENOMEM;
  *result = memory;
  return 0;
}

}  // extern "C"

#endif

namespace flame::slot {

void link_allocation_probe() {}

}  // namespace flame::slot
