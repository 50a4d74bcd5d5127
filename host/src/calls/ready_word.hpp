// A word that becomes ready once, and how threads wait for it: the readiness of every call.
#pragma once

#include <cstdint>

#include "host/src/calls/loop_leader.hpp"

namespace flame::pool {

/// Waiters sleep on the word and are woken by whoever sets it, directly; or one of them drives the loop meanwhile
/// (LoopLeader::lead_until). All functions: any thread.
template <class Platform>
class BasicReadyWord {
 public:
  [[nodiscard]] bool ready() const noexcept { return (word_.load() & kReady) != 0; }
  void begin_leading() noexcept { word_.fetch_or(kLed); }
  void end_leading() noexcept { word_.fetch_and(~kLed); }

  /// False: it was ready before. `leader`: where somebody leads; null: nowhere.
  [[nodiscard]] bool set(BasicLoopLeader<Platform>* leader) noexcept {
    const std::uint32_t before = word_.fetch_or(kReady);
    if ((before & kLed) != 0) leader->wake_leader();
    if ((before & kAwaited) != 0) Platform::wake_all(word_);
    return (before & kReady) == 0;
  }

  /// Sleeps until ready (true) or `deadline` has passed (false).
  [[nodiscard]] bool sleep(Instant deadline) noexcept {
    for (;;) {
      const std::uint32_t seen = word_.fetch_or(kAwaited) | kAwaited;
      if ((seen & kReady) != 0) return true;
      const Duration left = deadline == kNever ? base::kInfinite : base::remaining(deadline, Platform::now());
      if (!Platform::sleep_on(word_, seen, left)) return ready();
    }
  }

 private:
  static constexpr std::uint32_t kAwaited = 1;  // somebody sleeps on the word
  static constexpr std::uint32_t kLed = 2;      // somebody drives the loop until it is ready
  static constexpr std::uint32_t kReady = 4;

  typename Platform::template Atomic<std::uint32_t> word_{0};
};

using ReadyWord = BasicReadyWord<LinuxLeader>;

}  // namespace flame::pool
