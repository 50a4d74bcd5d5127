// One runner from boot request to its end: (queued →) booting → ready → draining, with its timers.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "host/src/policy/boot_progress.hpp"
#include "host/src/policy/types.hpp"
#include "plugin_sdk/base/limits.hpp"

namespace flame::pool {

/// Pure; not thread-safe. The owner asks due() at deadline() and acts; it forgets a runner that is gone.
class RunnerState {
 public:
  enum class Phase : std::uint8_t { queued, booting, ready, draining };
  /// What a timer found.
  enum class Due : std::uint8_t {
    nothing,        ///< look again at deadline()
    boot_overdue,   ///< no place within queue_timeout, or no hello within boot_timeout: destroy it, the boot has failed
    silent,         ///< nothing heard for runner_silence, and nothing else would show its end: lost
    quiet,          ///< the same, but its connection would show its end: no new calls until it speaks
    exited,         ///< the machine ended and what it still had sent has had time to arrive
    disconnected,   ///< its connection ended, and the backend has had time to say why
    ending,         ///< its machine ends soon: no new calls, and it is told to drain
    drain_overdue,  ///< told or allowed to go but still there: destroy
    mute,           ///< expect_goodbye(), but nothing is heard: destroy
  };
  /// After proof of death, messages already on their way are accepted for this long.
  static constexpr Duration kExitGrace = std::chrono::milliseconds(50);
  /// After the end of its connection, proof of death is awaited for this long: it says why. A busy machine needs more
  /// than 50 ms to reap a process; a backend that never says costs its callers this much.
  static constexpr Duration kReasonGrace = std::chrono::milliseconds(500);

  RunnerState(Instant now, const BootProgress::Limits& limits, bool for_min, const Liveness& liveness = {});

  /// What its backend says of its boot. False: nothing new.
  bool reached(BootPhase phase, std::string_view detail, Instant now);

  /// A hello is good once, while booting. False: refuse it. `local`: it came over ipc, where the kernel tells of the
  /// peer's end, so that silence proves nothing.
  bool hello(Instant now, bool local = false);
  /// Anything arrived from it. True: it was quiet until now.
  bool heard(Instant now) noexcept;
  /// due() said `quiet`, and that has been acted upon.
  void fall_quiet() noexcept { quiet_ = true; }
  /// Nobody looked at the clock for so long (this process stood still): what it did not hear or do in that time is no
  /// evidence against the runner.
  void stood_still(Instant now, Duration pause) noexcept;
  /// Its last lease ended.
  void became_idle(Instant now) noexcept { idle_since_ = now; }
  /// ready → draining: no further lease; must be gone within `limit`. Ignored when draining already, but can shorten.
  void drain(Instant now, Duration limit);
  /// It is told to go and has no work: from now on it is not waited for while it says nothing. Over ipc only: elsewhere
  /// silence is a loss anyway.
  void expect_goodbye(Instant now) noexcept {
    if (local_) goodbye_since_ = std::min(goodbye_since_, now);
  }
  /// Its machine ends at `end`, which replaces what was known before; from `drain_at` on it is to take no new calls.
  void ends(Instant end, Instant drain_at) noexcept { end_ = {end, drain_at}; }
  /// Proof of death while it holds leases.
  void exited(Instant now);
  /// Its connection has ended, and nobody has said that it may.
  void disconnected(Instant now);

  /// A Retire is in order when nothing is booked there and everything sent was seen before it asked.
  [[nodiscard]] static bool may_retire(std::uint32_t booked, std::uint64_t last_seq, std::uint64_t sent_seq) noexcept {
    return booked == 0 && last_seq >= sent_seq;
  }

  [[nodiscard]] Phase phase() const noexcept { return phase_; }
  /// It has not said hello.
  [[nodiscard]] bool is_booting() const noexcept { return phase_ == Phase::queued || phase_ == Phase::booting; }
  [[nodiscard]] const BootProgress& boot() const noexcept { return boot_; }
  [[nodiscard]] bool for_min() const noexcept { return for_min_; }
  [[nodiscard]] bool is_quiet() const noexcept { return quiet_; }
  [[nodiscard]] Instant last_heard() const noexcept { return heard_; }
  [[nodiscard]] bool has_exited() const noexcept { return exit_by_ != kNever; }
  [[nodiscard]] bool is_disconnected() const noexcept { return disconnect_by_ != kNever; }
  [[nodiscard]] Duration idle(Instant now) const noexcept { return now - idle_since_; }
  /// Since its hello.
  [[nodiscard]] Duration age(Instant now) const noexcept { return now - ready_since_; }
  /// More than a beat or two did not come: it is stopped, or its machine is overloaded.
  [[nodiscard]] bool misses_beats(Instant now) const noexcept { return now >= beats_missed_at(); }
  /// When it counts as lost, if nothing is heard. A living runner that we cannot reach has given us up by then.
  [[nodiscard]] Instant silent_at() const noexcept { return base::deadline_after(heard_, liveness_.runner_silence); }
  /// When its machine ends; kNever: it does not, or that is not known.
  [[nodiscard]] Instant end() const noexcept { return end_.at; }
  [[nodiscard]] Due due(Instant now) const noexcept;
  [[nodiscard]] Instant deadline() const noexcept;

 private:
  struct End {
    Instant at = kNever;
    Instant drain_at = kNever;
  };
  // One that drains without a limit (single use) has nobody's word yet that its call has to end.
  [[nodiscard]] Instant drain_at() const noexcept { return drain_by_ == kNever ? end_.drain_at : kNever; }
  [[nodiscard]] Instant beats_missed_at() const noexcept {
    return base::deadline_after(heard_, limits::kSilenceBeatsMin * liveness_.beat);
  }
  [[nodiscard]] Instant mute_at() const noexcept;

  Phase phase_ = Phase::booting;
  bool for_min_;
  bool local_ = false;
  bool quiet_ = false;
  Liveness liveness_;
  BootProgress boot_;
  Instant ready_since_{};
  Instant heard_{};
  Instant idle_since_{};
  Instant drain_by_ = kNever;
  Duration drain_limit_ = base::kInfinite;
  Instant goodbye_since_ = kNever;
  Instant exit_by_ = kNever;
  Instant disconnect_by_ = kNever;
  End end_;
};

}  // namespace flame::pool
