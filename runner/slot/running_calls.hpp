// How many calls run in a process whose slots are its threads.
#pragma once

#include <atomic>
#include <cstdint>

namespace flame::slot {

/// Used by all slots of the process.
class RunningCalls {
 public:
  /// Two that are equal: in between no call has begun, and none has ended.
  struct Moment {
    std::uint64_t word = 0;  // calls that have begun · those that run
    [[nodiscard]] bool one_runs() const { return static_cast<std::uint32_t>(word) == 1; }
    friend bool operator==(const Moment&, const Moment&) = default;
  };

  void begins() noexcept { word_.fetch_add(kBegun + 1); }
  void ended() noexcept { word_.fetch_sub(1); }
  [[nodiscard]] Moment now() const noexcept { return {word_.load()}; }

 private:
  static constexpr std::uint64_t kBegun = std::uint64_t{1} << 32;

  std::atomic<std::uint64_t> word_{0};
};

/// One call, or another piece of work of a slot, while it lives.
class RunningCall {
 public:
  explicit RunningCall(RunningCalls& calls) noexcept : calls_(calls) { calls_.begins(); }
  ~RunningCall() { calls_.ended(); }
  RunningCall(const RunningCall&) = delete;
  RunningCall& operator=(const RunningCall&) = delete;

 private:
  RunningCalls& calls_;
};

}  // namespace flame::slot
