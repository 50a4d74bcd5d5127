// fork() without exec: what is left of a host in the child, and how it is told.
#pragma once

#include <sys/types.h>

#include <flame/error.hpp>

namespace flame::pool {

/// Knows a fork of the process that made it, without a system call: the kernel empties its page in every child.
class ForkGuard {
 public:
  ForkGuard() noexcept;
  ~ForkGuard();
  ForkGuard(const ForkGuard&) = delete;
  ForkGuard& operator=(const ForkGuard&) = delete;

  [[nodiscard]] bool forked() const noexcept { return page_ == nullptr ? other_process() : *page_ == 0; }

 private:
  [[nodiscard]] bool other_process() const noexcept;

  pid_t maker_;
  const volatile unsigned char* page_ = nullptr;
};

/// What calls get there: shutting_down.
[[nodiscard]] Error forked_error();

}  // namespace flame::pool
