// One session with one host: hello, welcome, the session id, beats and silence. Pure: envelopes and `now` in,
// verdicts out.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "plugin_sdk/base/standstill.hpp"
#include "plugin_sdk/wire/messages.hpp"
#include "runner/policy/clock.hpp"

namespace flame::runner {

/// What the supervisor is to do with an envelope that arrived.
enum class Verdict : std::uint8_t {
  drop,     ///< not of this session, or out of turn
  opened,   ///< a Welcome that opens the session
  refused,  ///< a Refuse; reason() says why; the runner leaves
  deliver,  ///< a message of the open session
};

class HostSession {
 public:
  /// The hello went out on a fresh connection. `local`: over ipc, where the end of the connection tells of the host's
  /// end, and its silence proves nothing.
  void greeted(Instant now, bool local = false);
  /// The connection of a hello that was not answered is gone; another will be dialled.
  void reset();
  /// Judges an envelope from `control` (or `bulk`); anything of this session counts as life.
  [[nodiscard]] Verdict judge(Instant now, const wire::Envelope& envelope);
  /// A beat to send now, if one is due.
  [[nodiscard]] std::optional<wire::Beat> beat(Instant now);
  /// How long a host that says nothing may still be at work: for ever where its end would be heard of.
  [[nodiscard]] Duration host_patience() const { return local_ ? kInfinite : host_silence_; }
  /// The host has said nothing for host_silence, or is about to give us up: it may not have heard what we sent for
  /// nearly runner_silence. Never true before the session is open, nor over ipc. Call it each turn, at least once a
  /// beat: a longer pause is one in which this process stood still. The host gets its time anew then, but no more than
  /// five beats for the echo of what is sent after it.
  [[nodiscard]] bool silent(Instant now);
  /// The next moment at which beat() or silent() may change.
  [[nodiscard]] Instant wake_at() const;

  [[nodiscard]] std::uint64_t id() const { return id_; }
  [[nodiscard]] bool open() const { return id_ != 0; }
  [[nodiscard]] const std::string& reason() const { return reason_; }

 private:
  Verdict open_with(Instant now, const wire::Welcome& welcome);
  void echoed(std::uint64_t beat);
  void be_patient(Instant now, Duration time);
  void stood_still(Instant now, Duration pause);
  [[nodiscard]] Instant gives_up_at() const;

  std::uint64_t id_ = 0;
  bool greeted_ = false;
  bool local_ = false;
  Instant heard_at_{};
  Instant echoed_at_{};  // when we sent what the host is known to have heard
  Instant beat_at_ = kNever;
  std::uint64_t beats_ = 0;
  std::deque<Instant> unechoed_;  // when the last beats were sent; the newest is beat number beats_
  Duration beat_interval_{};
  Duration host_silence_{};
  Duration lease_{};
  base::Standstill standstill_{kInfinite};
  Instant patient_until_{};  // since we stood still: the host may not have given us up
  std::string reason_;
};

}  // namespace flame::runner
