// How many runners there should be: growth, the minimum, slots kept ahead of demand, back-off after failed boots, when
// idle ones may go.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <random>

#include <flame/error.hpp>

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
    std::uint64_t seed = 0;
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
  /// Boots to start now; the first `for_min` of them only keep the minimum up. `retry_at`: boots are wanted, but a
  /// failed one is waited out until then.
  struct Plan {
    std::uint32_t boots = 0;
    std::uint32_t for_min = 0;
    Instant retry_at = kNever;
  };

  /// First retry after a failed boot: 1-1.25 times this; doubled after each further failure up to kRetryMax.
  static constexpr Duration kRetryFirst = std::chrono::seconds(1);
  static constexpr Duration kRetryMax = std::chrono::seconds(30);

  explicit Elastic(const Options& options);

  /// clamp(ceil(waiting / c) − booting, 0, max − runners − booting), or what `unhelped` calls, `min` or the slots ahead
  /// of demand need if that is more; nothing while a failed boot is being waited out.
  [[nodiscard]] Plan plan(const Counts& counts, Instant now) const noexcept;

  void boot_succeeded();
  void boot_failed(Instant now, const Error& error, bool permanent);
  /// No boot before `at`, which may be later than that: the backend has asked for it. A boot that succeeds ends it.
  void not_before(Instant at) noexcept { retry_at_ = std::max(retry_at_, at); }
  /// A runner was lost before it had been of any use. One such loss changes nothing; further ones without a useful
  /// runner between are waited out like failed boots, else machines that die young would be bought without end.
  void lost_young(Instant now, const Error& error);
  /// A runner was of use.
  void proved() noexcept { lost_young_ = 0; }
  /// Why the last boot failed, until one succeeds.
  [[nodiscard]] const std::optional<Error>& last_failure() const noexcept { return failure_; }
  /// Not before a retry is due: waiting callers cannot be helped by booting.
  [[nodiscard]] bool failing_for_good(Instant now) const noexcept { return permanent_ && backing_off(now); }

  /// When boots are tried again after a failed one; kNever: nothing is being waited out.
  [[nodiscard]] Instant next_retry(Instant now) const noexcept { return backing_off(now) ? retry_at_ : kNever; }

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
  void back_off(Instant now, const Error& error, bool permanent, unsigned doublings);
  [[nodiscard]] std::uint32_t floor() const noexcept;
  [[nodiscard]] std::uint64_t ahead(Instant now) const noexcept;
  [[nodiscard]] bool backing_off(Instant now) const noexcept { return now < retry_at_; }

  Options options_;
  std::mt19937_64 random_;
  std::uint64_t expected_ = 0;
  Instant expected_until_{};
  bool closed_ = false;
  std::uint32_t released_ = 0;  // min runners that left because nobody called for min_idle
  unsigned failures_ = 0;
  unsigned lost_young_ = 0;
  Instant retry_at_{};
  bool permanent_ = false;
  std::optional<Error> failure_;
};

}  // namespace flame::pool
