// Machines that end at a known time, and what that means for calls: where each may go, and which no machine can serve.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <flame/error.hpp>

#include "host/src/policy/seconds.hpp"
#include "host/src/policy/types.hpp"
#include "plugin_sdk/base/make_error.hpp"

namespace flame::pool {

/// How long the machines of each of a pool's backends live, as far as those that have booted tell. Pure; not
/// thread-safe.
class Lifetimes {
 public:
  Lifetimes(std::size_t backends, Duration shutdown_timeout) : shutdown_(shutdown_timeout), known_(backends) {}

  [[nodiscard]] Duration shutdown_timeout() const noexcept { return shutdown_; }

  /// A fresh machine of it ends in so long; kForever: it has no end. The last one counts: a walltime can be changed.
  void booted(BackendIndex backend, Duration ends_in) { known_.at(backend) = ends_in; }
  /// Some machine has an end.
  void ends() noexcept { any_ = true; }
  [[nodiscard]] bool any_end() const noexcept { return any_; }

  /// When a machine that ends at `ends` is to take no more calls: what runs there then gets shutdown_timeout.
  [[nodiscard]] Instant drains_at(Instant ends) const noexcept { return ends == kNever ? kNever : ends - shutdown_; }

  /// Whether a call may go to a machine that ends at `ends`. `call_ends`: when it has to be over; kNever: it has no
  /// limit, and goes to such a machine only where the pool has no others.
  [[nodiscard]] bool may_take(Instant ends, Instant call_ends) const noexcept {
    if (ends == kNever) return true;
    return call_ends == kNever ? !may_be_endless() : call_ends <= ends;
  }

  /// Whether a fresh machine of this backend may serve a call that may take `limit`.
  [[nodiscard]] bool suits(BackendIndex backend, Duration limit) const {
    const Duration lifetime = known_.at(backend).value_or(kForever);
    if (lifetime == kForever) return true;
    return limit == kForever ? !may_be_endless() : limit <= lifetime;
  }

  /// Why no machine of the pool lives long enough for a call that may take `limit`; nullopt: some does, or it is not
  /// known of every backend. Nothing is said of a call without a limit (kForever): it takes what there is.
  [[nodiscard]] std::optional<Error> outlives_all(Duration limit) const {
    if (limit == kForever || may_be_endless()) return std::nullopt;
    Duration longest{};
    for (const std::optional<Duration>& lifetime : known_) longest = std::max(longest, *lifetime);
    if (limit <= longest) return std::nullopt;
    return base::make_error(ErrorCode::invalid_argument,
                            "the call may take " + seconds(limit) + ", and every machine of its pool ends after " +
                                seconds(longest) +
                                " at the latest; give it a shorter timeout, or the pool a backend "
                                "whose machines live longer");
  }

 private:
  // Of some backend it is not known yet, or known that its machines have no end.
  [[nodiscard]] bool may_be_endless() const noexcept {
    return std::ranges::any_of(known_, [](const auto& lifetime) { return !lifetime || *lifetime == kForever; });
  }

  Duration shutdown_;
  bool any_ = false;
  std::vector<std::optional<Duration>> known_;  // by backend
};

}  // namespace flame::pool
