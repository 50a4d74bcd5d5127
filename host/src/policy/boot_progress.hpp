// How far one boot has come, and the two clocks that bound it: in an engine's queue, and from its place to its hello.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <flame/backend.hpp>

#include "host/src/policy/types.hpp"

namespace flame::pool {

/// What a boot's name for a phase is, for people: "queued", "placed", …
[[nodiscard]] std::string_view to_string(BootPhase phase) noexcept;

/// Pure; not thread-safe.
class BootProgress {
 public:
  struct Limits {
    Duration queue = kForever;  ///< from the request to `placed`, once `queued` was said
    Duration boot{};            ///< from `placed` to the hello
  };

  /// A backend that says nothing has placed it at once.
  BootProgress(Instant now, const Limits& limits);

  /// Its backend says so. False: nothing new; phases go forward only, and the same one again can have a new detail.
  bool reached(BootPhase phase, std::string_view detail, Instant now);
  /// This process stood still for so long.
  void stood_still(Duration pause) noexcept { by_ = base::deadline_after(by_, pause); }

  [[nodiscard]] bool is_queued() const noexcept { return phase_ == BootPhase::queued; }
  /// nullopt: its backend has not said.
  [[nodiscard]] const std::optional<BootPhase>& phase() const noexcept { return phase_; }
  [[nodiscard]] Instant since() const noexcept { return since_; }
  [[nodiscard]] const std::string& detail() const noexcept { return detail_; }
  /// When it has taken too long.
  [[nodiscard]] Instant by() const noexcept { return by_; }
  /// When its machine's log is to be asked for, so that the answer is there at by(): it tells why the runner does not
  /// dial in. kNever: there is no machine.
  [[nodiscard]] Instant log_at() const noexcept;
  /// Why it has, then: which limit, in which phase it was for how long, and what to do.
  [[nodiscard]] std::string overdue(Instant now) const;

 private:
  Limits limits_;
  Instant asked_;
  std::optional<BootPhase> phase_;
  Instant since_;  // of the phase
  std::string detail_;
  Instant by_;
};

}  // namespace flame::pool
