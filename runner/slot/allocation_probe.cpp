// Notes failed allocations. C code that does not check malloc() dies of SIGSEGV under a memory limit: only a look at
// malloc itself tells that apart from a bug. The next functions of these names do the work.
#include "runner/slot/allocation_probe.hpp"

#include <dlfcn.h>

#include <atomic>
#include <cerrno>
#include <cstddef>

#include "runner/slot/crash_handler.hpp"

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

namespace {

// Who would serve without us: a preloaded allocator or profiler, else the C library. Their free() stays in force, so
// what it frees must come from the same hands.
template <typename Function>
class Next {
 public:
  explicit constexpr Next(const char* name) : name_(name) {}
  // Looked up at the first call, which comes before any constructor. Every thread finds the same.
  [[nodiscard]] Function get() noexcept {
    void* found = found_.load(std::memory_order_relaxed);
    if (found == nullptr) [[unlikely]] {
      found = ::dlsym(RTLD_NEXT, name_);
      found_.store(found, std::memory_order_relaxed);
    }
    return reinterpret_cast<Function>(found);
  }

 private:
  const char* name_;
  std::atomic<void*> found_{nullptr};
};

constinit Next<void* (*)(std::size_t)> next_malloc("malloc");
constinit Next<void* (*)(std::size_t, std::size_t)> next_calloc("calloc");
constinit Next<void* (*)(void*, std::size_t)> next_realloc("realloc");
constinit Next<void* (*)(std::size_t, std::size_t)> next_memalign("memalign");
constinit Next<void* (*)(std::size_t, std::size_t)> next_aligned_alloc("aligned_alloc");
constinit Next<int (*)(void**, std::size_t, std::size_t)> next_posix_memalign("posix_memalign");

void note_failure() noexcept {
  if (flame::slot::ControlPage* page = flame::slot::current_page()) page->allocation_failed.store(1);
}

void* noted(void* memory) noexcept {
  if (memory == nullptr) [[unlikely]]
    note_failure();
  return memory;
}

}  // namespace

extern "C" {

[[gnu::visibility("default")]] void* malloc(std::size_t size) noexcept {
  return noted(next_malloc.get()(size));
}

[[gnu::visibility("default")]] void* calloc(std::size_t count, std::size_t size) noexcept {
  return noted(next_calloc.get()(count, size));
}

[[gnu::visibility("default")]] void* realloc(void* memory, std::size_t size) noexcept {
  void* moved = next_realloc.get()(memory, size);
  return size == 0 ? moved : noted(moved);
}

[[gnu::visibility("default")]] void* memalign(std::size_t alignment, std::size_t size) noexcept {
  return noted(next_memalign.get()(alignment, size));
}

[[gnu::visibility("default")]] void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  return noted(next_aligned_alloc.get()(alignment, size));
}

[[gnu::visibility("default")]] int posix_memalign(void** result, std::size_t alignment, std::size_t size) noexcept {
  const int error = next_posix_memalign.get()(result, alignment, size);
  if (error == ENOMEM) note_failure();
  return error;
}

}  // extern "C"

#endif

namespace flame::slot {

void link_allocation_probe() {}

}  // namespace flame::slot
