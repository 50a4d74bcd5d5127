// Tells a library's thread pool from a leak.
#include "runner/slot/kept_threads.hpp"

namespace flame::slot {

KeptThreads::Judgement KeptThreads::call_ended(std::uint64_t task, std::uint32_t threads) {
  if (!grown(threads)) {
    if (!growing_.empty()) growing_.erase(task);
    return Judgement::fine;
  }
  most_ = threads;
  if (++growing_[task] >= limits::kThreadGrowthMax) return Judgement::leak;
  return kept(threads) > limits::kSlotThreadsMax ? Judgement::too_many : Judgement::fine;
}

}  // namespace flame::slot
