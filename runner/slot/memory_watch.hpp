// Tells when what calls have left in memory is too much for those to come. Pure.
#pragma once

#include <algorithm>
#include <cstdint>

#include "runner/slot/process_status.hpp"

namespace flame::slot {

class MemoryWatch {
 public:
  /// `limit`: bytes that the process may use beyond its use at fork, 0 = no limit. `stack`: of a thread; what a slot's
  /// kept threads have reserved for theirs is no leak.
  MemoryWatch(std::uint64_t limit, std::uint64_t stack, const ProcessStatus& at_start)
      : limit_(limit), stack_(stack), at_start_(at_start.data_bytes), threads_(at_start.threads) {}

  /// Bytes in use that were not at the start, without those that are still `in_hand`.
  [[nodiscard]] std::uint64_t kept(const ProcessStatus& now, std::uint64_t in_hand) const {
    const std::uint64_t threads = now.threads > threads_ ? now.threads - threads_ : 0;
    const std::uint64_t known = at_start_ + threads * stack_ + in_hand;
    return now.data_bytes - std::min(now.data_bytes, known);
  }
  /// More than half of the limit.
  [[nodiscard]] bool too_much(std::uint64_t kept) const { return limit_ != 0 && kept > limit_ / 2; }

 private:
  std::uint64_t limit_;
  std::uint64_t stack_;
  std::uint64_t at_start_;
  std::uint64_t threads_;
};

/// What a thread that is made without attributes reserves for its stack.
[[nodiscard]] std::uint64_t default_stack_bytes();

}  // namespace flame::slot
