// Tells, without a system call, that this is a child that a task forked and that came back out of it.
#pragma once

#include <sys/types.h>

namespace flame::slot {

class ForkGuard {
 public:
  /// Of the calling process.
  ForkGuard();
  ~ForkGuard();
  ForkGuard(const ForkGuard&) = delete;
  ForkGuard& operator=(const ForkGuard&) = delete;
  /// This is not the process that made the guard.
  [[nodiscard]] bool in_child() const;

 private:
  unsigned char* page_ = nullptr;  // the kernel wipes it in a child; null: it would not
  pid_t process_;
};

}  // namespace flame::slot
