// How many runners there should be: growth, the minimum, slots kept ahead of demand, when idle ones may go.
#pragma once

#include <cstdint>

#include "host/src/policy/types.hpp"

namespace flame::pool {

/// Pure; not thread-safe. Level-triggered: ask plan() after every event, with the present counts.
class Elastic {
 public:
  struct Options {
    std::uint32_t min = 0;
    std::uint32_t max = 1;
    std::uint32_t capacity = 1;  ///< effective slots per runner
    std::uint64_t warm = 0;      ///< slots to keep free above demand
    Duration idle = kForever;
    Duration min_idle = kForever;
    bool nested = false;  ///< in a runner: `min` and `warm` are 0, else runners would boot runners without end
  };
  /// `runners`: all machines past hello, draining ones too; `serving`: those that take new calls; `free`: their slots
  /// without a lease. `unhelped`: those of `waiting` whose plugin no booting runner will have. `needed`: boots that are
  /// wanted though nobody waits, for a version that is being prepared.
  struct Counts {
    std::uint64_t waiting = 0;
    std::uint64_t unhelped = 0;
    std::uint32_t runners = 0;
    std::uint32_t serving = 0;
    std::uint32_t booting = 0;
    std::uint64_t free = 0;
    std::uint64_t needed = 0;
  };
  /// Boots to start now; the first `for_min` of them only keep the minimum up. Where they go, and whether they are put
  /// off after failed ones, says Placement.
  struct Plan {
    std::uint32_t boots = 0;
    std::uint32_t for_min = 0;
  };

  explicit Elastic(const Options& options);

  /// clamp(ceil(waiting / c) − booting, 0, max − runners − booting), or what `unhelped` calls, `min` or the slots ahead
  /// of demand need if that is more.
  [[nodiscard]] Plan plan(const Counts& counts, Instant now) const noexcept;

  void resize(std::uint32_t min, std::uint32_t max);
  /// Slots for so many calls are kept free, beside `warm`, until they have come or `until` has. Replaces the hint
  /// before.
  void expect(std::uint64_t calls, Instant until) noexcept;
  /// A call was accepted: it is one of those expected, and min runners that idled out (min_idle) come back.
  void arrived() noexcept;
  /// The pool drains: nothing is booted but for calls that wait.
  void close() noexcept { closed_ = true; }

  /// What a runner is told in Welcome: when it asks for the first time.
  [[nodiscard]] Duration ask_after() const noexcept;
  /// A runner without work asks to go: may it? `counts` include it; `idle`: how long it has had no work.
  [[nodiscard]] bool may_retire(const Counts& counts, Duration idle, Instant now) const noexcept;
  /// It goes. Call once for each granted, unforced Retire, with the same `serving`.
  void retired(std::uint32_t serving) noexcept;

  [[nodiscard]] std::uint32_t min() const noexcept { return options_.min; }
  [[nodiscard]] std::uint32_t max() const noexcept { return options_.max; }

 private:
  [[nodiscard]] std::uint32_t floor() const noexcept;
  [[nodiscard]] std::uint64_t ahead(Instant now) const noexcept;

  Options options_;
  std::uint64_t expected_ = 0;
  Instant expected_until_{};
  bool closed_ = false;
  std::uint32_t released_ = 0;  // min runners that left because nobody called for min_idle
};

}  // namespace flame::pool
