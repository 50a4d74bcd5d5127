// Tells threads that sleep between the calls of a slot from those that go on computing, by what its process does while
// it is idle. Pure.
#pragma once

#include <cstdint>

#include "runner/policy/clock.hpp"

namespace flame::runner {

class ThreadWatch {
 public:
  enum class Verdict : std::uint8_t { open, quiet, computing };

  /// So long the CPU time is watched at a stretch.
  static constexpr Duration kWindow = std::chrono::milliseconds(50);
  /// Whoever looks stood still for longer than this: what happened meanwhile says nothing, and the look begins anew.
  static constexpr Duration kWindowMax = std::chrono::milliseconds(500);
  /// A slot that used less than one part in so many of a window's time is quiet: libraries have tickers.
  static constexpr int kQuietShare = 20;
  /// Not quiet for so long: it computes. The workers of OpenMP and others spin for up to 200 ms before they sleep, a
  /// JVM compiles what a call has made hot.
  static constexpr Duration kPatience = std::chrono::seconds(2);
  /// A slot that was quiet is looked at again after this long, then after twice as long, and so on.
  static constexpr Duration kFirstPause = std::chrono::seconds(1);
  static constexpr Duration kLongestPause = std::chrono::minutes(1);
  /// So many calls may interrupt a look, or keep it from beginning, before it has to be made all the same.
  static constexpr int kInterruptionsMax = 3;

  /// What an idle slot's process does.
  struct Load {
    Duration cpu{};         ///< that it has used since its start
    bool runnable = false;  ///< a thread of it runs, or would if a processor were free
  };

  /// The slot's call has ended, and the slot keeps so many threads.
  void idle(Instant now, std::uint32_t threads);
  [[nodiscard]] bool keeps_threads() const { return threads_ > 0; }
  /// It is time to look, once the slot is idle.
  [[nodiscard]] bool due(Instant now) const { return threads_ > 0 && !looking() && now >= look_at_; }
  /// Calls have interrupted it too often: the slot must not have the next call before it has been looked at.
  [[nodiscard]] bool insists() const { return interruptions_ >= kInterruptionsMax; }
  /// The look begins: the slot is idle, and its process has used so much CPU time.
  void begin(Instant now, Duration cpu);
  [[nodiscard]] bool looking() const { return begun_ != kNever; }
  /// Call at wake_at() or later. `open`: the look goes on.
  [[nodiscard]] Verdict sample(Instant now, Load load);
  /// A call begins. A look that was under way is due again once it has ended.
  void interrupt(Instant now);
  /// While the slot is idle: when to begin() or to sample(). kNever: it keeps no thread.
  [[nodiscard]] Instant wake_at() const;

 private:
  std::uint32_t threads_ = 0;
  std::uint32_t known_ = 0;  // when it was quiet last
  Instant look_at_{};
  Duration pause_ = kFirstPause;
  int interruptions_ = 0;  // since the last verdict
  Instant begun_ = kNever;
  Instant window_begun_{};
  Duration cpu_{};
};

}  // namespace flame::runner
