// When what has failed is tried again: later after each further failure.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "host/src/policy/types.hpp"

namespace flame::pool {

/// Pure; not thread-safe.
class BackOff {
 public:
  /// First retry after a failure: 1-1.25 times this; doubled after each further failure up to kMax.
  static constexpr Duration kFirst = std::chrono::seconds(1);
  static constexpr Duration kMax = std::chrono::seconds(30);

  /// Failures that come while one is waited out belong to that one: what was started together fails together. `chance`:
  /// any number, for the jitter.
  void failed(Instant now, std::uint64_t chance) noexcept { wait(now, waits(now) ? failures_ : failures_++, chance); }
  /// What had succeeded was lost before it was of any use. One such loss changes nothing; further ones without a useful
  /// one between are waited out like failures, else what dies young would be bought without end.
  void lost_young(Instant now, std::uint64_t chance) noexcept {
    if (lost_young_++ > 0) wait(now, lost_young_ - 2, chance);
  }
  /// Not before `at`, which may be later than that: who failed has asked for it.
  void not_before(Instant at) noexcept { until_ = std::max(until_, at); }
  void succeeded() noexcept {
    failures_ = 0;
    until_ = Instant{};
  }
  /// It was of use, too.
  void proved() noexcept { lost_young_ = 0; }

  [[nodiscard]] bool waits(Instant now) const noexcept { return now < until_; }
  /// In the past: nothing is waited out.
  [[nodiscard]] Instant until() const noexcept { return until_; }

 private:
  void wait(Instant now, unsigned doublings, std::uint64_t chance) noexcept {
    if (waits(now)) return;
    const Duration base = std::min<Duration>(kFirst * (1U << std::min(doublings, 16U)), kMax);
    const auto quarter = static_cast<std::uint64_t>((base / 4).count());
    until_ = base::deadline_after(now, base + Duration(static_cast<Duration::rep>(chance % (quarter + 1))));
  }

  unsigned failures_ = 0;
  unsigned lost_young_ = 0;
  Instant until_{};
};

}  // namespace flame::pool
