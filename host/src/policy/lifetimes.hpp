// Machines that end at a known time, and what that means for calls: where each may go, and which no machine can serve.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include <flame/error.hpp>

#include "host/src/policy/types.hpp"

namespace flame::pool {

class Placement;

/// What the machines of each of a pool's backends offer: the time from their hello to their end, as far as those that
/// have booted tell. The best of the last ones counts: a walltime can be changed, and one machine that comes late or
/// is evicted young says nothing of the next. Pure; not thread-safe.
class Lifetimes {
 public:
  /// So many machines of one backend in a row are believed to be like those that come: also, where none of them leaves
  /// any time for calls, no more are asked of it.
  static constexpr unsigned kInARow = 3;

  /// `told`: booted() comes for every machine, if not always before its hello.
  Lifetimes(std::size_t backends, Duration shutdown_timeout, bool told = false)
      : shutdown_(shutdown_timeout), told_(told), backends_(backends) {}

  [[nodiscard]] Duration shutdown_timeout() const noexcept { return shutdown_; }

  // --- what happens
  /// A machine is asked of it; it is gone.
  void asked(BackendIndex backend) { ++backends_.at(backend).machines; }
  void gone(BackendIndex backend) { --backends_.at(backend).machines; }
  /// A fresh machine of it ends in so long; kForever: it has no end. Error: that leaves no time for calls, so no more
  /// machines are to be asked of it.
  std::optional<Error> booted(BackendIndex backend, Duration ends_in);
  /// It took so long from then to its hello. Error: that was too long, the machine is about to end.
  std::optional<Error> served(BackendIndex backend, Duration after);
  /// Some machine has an end.
  void ends() noexcept { any_ = true; }
  [[nodiscard]] bool any_end() const noexcept { return any_; }
  /// outlives_all() may say of more calls than before that no machine lives long enough. Once.
  [[nodiscard]] bool take_news() noexcept { return std::exchange(news_, false); }

  // --- machines
  /// A hello from there that comes before booted() has to wait for it, as the machine may have an end.
  [[nodiscard]] bool awaits_end(BackendIndex backend) const;
  /// No machine of it has any time for calls.
  [[nodiscard]] bool is_useless(BackendIndex backend) const;
  /// When a machine that ends at `ends` is to take no more calls: what runs there then gets shutdown_timeout.
  [[nodiscard]] Instant drains_at(Instant ends) const noexcept { return ends == kNever ? kNever : ends - shutdown_; }

  // --- calls
  /// Some backend gives machines without an end, or may: it has such machines, or those of which it is not known, or
  /// may be asked for one. One that fails to boot, or has no room, gives none.
  [[nodiscard]] bool endless_come(const Placement& placement) const;
  /// The earliest end of a machine that may take a call. `call_ends`: when it has to be over; kNever: it has no limit,
  /// and goes to a machine that ends only where no others come, but then to any.
  [[nodiscard]] static Instant needs(Instant call_ends, bool endless_come) noexcept {
    return call_ends == kNever && !endless_come ? Instant::min() : call_ends;
  }
  /// Whether a fresh machine of this backend may serve a call that may take `limit` from its hello on.
  [[nodiscard]] bool suits(BackendIndex backend, Duration limit, bool endless_come) const;
  /// Why no machine of the pool lives long enough for a call that may take `limit`; nullopt: some does, or it is not
  /// known of every backend. A call without a limit (kForever) takes what there is.
  [[nodiscard]] std::optional<Error> outlives_all(Duration limit) const;

 private:
  struct Backend {
    std::vector<Duration> lifetimes;  // of the last kInARow that have booted, the last one at the end
    std::vector<Duration> startups;   // likewise, of those that have dialled in
    std::uint64_t machines = 0;
    unsigned late = 0;  // in a row

    [[nodiscard]] bool may_be_endless() const { return lifetimes.empty() || lifetime() == kForever; }
    // The longest.
    [[nodiscard]] Duration lifetime() const;
    // From the hello on.
    [[nodiscard]] Duration offer() const;
  };
  [[nodiscard]] Error no_time_left(Duration offer) const;

  Duration shutdown_;
  bool told_;
  bool any_ = false;
  bool news_ = false;
  std::vector<Backend> backends_;
};

}  // namespace flame::pool
