// Tells, without a system call, that this is a child that somebody forked and that came back out of it. In a header,
// as a zygote links nothing of base.
#pragma once

#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

#include <cstddef>

namespace flame::base {

/// The kernel empties its page in every child (MADV_WIPEONFORK, Linux 4.14); without that the process id is asked for.
class ForkGuard {
 public:
  /// Of the calling process.
  ForkGuard() noexcept : maker_(::getpid()) {
    void* const page = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) return;
    if (::madvise(page, kBytes, MADV_WIPEONFORK) != 0) {
      ::munmap(page, kBytes);
      return;
    }
    *static_cast<unsigned char*>(page) = 1;
    page_ = static_cast<const volatile unsigned char*>(page);
  }
  ~ForkGuard() {
    if (page_ != nullptr) ::munmap(const_cast<unsigned char*>(page_), kBytes);
  }
  ForkGuard(const ForkGuard&) = delete;
  ForkGuard& operator=(const ForkGuard&) = delete;

  /// This is not the process that made the guard.
  [[nodiscard]] bool in_child() const noexcept { return page_ == nullptr ? ::getpid() != maker_ : *page_ == 0; }

 private:
  static constexpr std::size_t kBytes = 4096;  // any part of a page is a page

  pid_t maker_;
  const volatile unsigned char* page_ = nullptr;
};

}  // namespace flame::base
