// What goes into PoolPolicy: PoolDriver makes events of messages, timers and what backends call back.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <flame/backend.hpp>
#include <flame/error.hpp>

#include "host/src/policy/types.hpp"
#include "plugin_sdk/wire/messages.hpp"

namespace flame::pool {

namespace event {

/// A caller wants `call` run. Answered by Send or Complete, now or later; exactly one Complete per Submit, always.
struct Submit {
  CallId call = 0;
  DigestId digest = 0;
  /// with() or TaskOptions timeout: one budget for queue, boot, run and retries; kForever: no limit (casts).
  /// nullopt: queue ≤ boot_timeout, and up to queue_timeout more while a machine is queued for; then run ≤ timeout.
  std::optional<Duration> budget;
  std::uint32_t retries = 0;
  bool idempotent = false;  ///< else retries is ignored
  bool linked = true;       ///< false: it goes on for shutdown_timeout on a runner that has lost us
  /// The call uses objects that the call `lease` left in its slot: it takes its turn there, and is never retried.
  CallId lease = 0;
  bool child = false;  ///< it makes a child, which lives on: where machines end it counts as a call without a limit
};
/// The last handle to an object of `lease` is gone. Unknown leases are ignored.
struct Release {
  CallId lease = 0;
  std::uint64_t object = 0;
};
/// What the call `lease` left in its slot is to end (a child's stop(), or its handle was dropped). Unknown ones are
/// ignored.
struct EndLease {
  CallId lease = 0;
};
/// A call on objects of `lease` has gone to the runner and ran past its deadline. Unknown leases are ignored.
struct DeadlinePassed {
  CallId lease = 0;
};
/// The caller gives up (stop token, dropped future, or host shutdown). Unknown and completed calls are ignored.
struct Cancel {
  CallId call = 0;
  wire::CancelReason reason = wire::CancelReason::cancelled;
};
/// The backend's outcome of Boot. Hello may come before it. Also feed late ones: the answer is Destroy.
struct BootOk {
  RunnerId runner = 0;
};
struct BootFailed {
  RunnerId runner = 0;
  Error error;
  Remedy remedy = Remedy::retry;
  Duration retry_after{};  ///< not before; zero: no wish
};
/// How far the boot has come, as its backend says; before BootOk or BootFailed. Late and unknown ones are ignored.
struct BootReached {
  RunnerId runner = 0;
  BootPhase phase = BootPhase::placed;
  std::string detail;  ///< for people; may be empty
};
/// The runner's machine ends in so long, whatever was said before: known from its boot on (`fresh`), or because others
/// are about to end it. Unknown runners are ignored.
struct MachineEnds {
  RunnerId runner = 0;
  Duration left{};
  bool fresh = false;
};
/// The answer to AskLog. Late and unknown ones are ignored.
struct BootLog {
  RunnerId runner = 0;
  std::string tail;
};
/// A plugin as the runner reports it. Not ready and no error: loaded on first use, so it counts as able to serve.
struct RunnerPlugin {
  DigestId digest = 0;
  std::optional<Error> error;  ///< it cannot be loaded there
};
/// A runner with the right key and nonce dialled in. Answered by Admit or Reject. A digest that Boot asked for and that
/// is not listed counts as missing there: calls for it fail with not_found while no other runner has it.
struct RunnerHello {
  RunnerId runner = 0;
  std::vector<RunnerPlugin> plugins;
  bool local = false;  ///< over ipc: its end shows by the connection, its silence proves nothing
};
/// Anything was received from the runner (Beat, Output, …). Begun, Result, Ended and Retire count by themselves.
struct Heard {
  RunnerId runner = 0;
};
/// The session has ended: Bye, transport error, protocol violation. `reason` is for people.
struct RunnerLost {
  RunnerId runner = 0;
  std::string reason;
  bool goodbye = false;  // the reason is the runner's own
};
/// The backend's proof of death. May come before or after RunnerLost, alone, or after Destroy. Messages that were on
/// their way are still accepted for 50 ms while the runner holds calls or leaves, so it may overtake the last Result
/// and the goodbye. Calls that may be tried again wait for it if their runner was lost without.
struct MachineExited {
  RunnerId runner = 0;
  std::string reason;
};
struct Begun {
  RunnerId runner = 0;
  CallId call = 0;
};
/// The call's outcome; keep the payload until Complete. nullopt: success. Ended follows, always; with `objects`, which
/// stay in the slot, only once they are gone.
struct Result {
  RunnerId runner = 0;
  CallId call = 0;
  std::optional<Error> error;
  std::vector<std::uint64_t> objects;
};
/// The slot is free again: the runner said so, or the driver withdrew the call from its own queue after CancelRemote.
/// `error`: why the objects that the call had left there are gone; nullopt: they were let go, or a child ended.
struct Ended {
  RunnerId runner = 0;
  CallId call = 0;
  std::optional<Error> error;
};
/// The runner asks to leave. `sent_seq`: seq of the last Invoke that the driver put on the wire in that session.
struct Retire {
  RunnerId runner = 0;
  std::uint64_t last_seq = 0;
  std::uint64_t sent_seq = 0;
  bool must = false;
};
/// next_wakeup() has come (or any other time: harmless).
struct Tick {};
/// This process was not scheduled for so long: stopped, suspended, starved. Feed it before whatever came meanwhile.
struct StoodStill {
  Duration pause{};
};
/// No new calls; waiting and running ones may end within `grace`, then they get shutting_down. Then Drained. A second
/// Drain can only shorten the grace.
struct Drain {
  Duration grace{};
};
/// New bounds at run time; 1 ≤ max, min ≤ max (checked by the caller). Surplus runners leave as they become idle.
struct Resize {
  std::uint32_t min = 0;
  std::uint32_t max = 1;
};
/// Hint: about `calls` more calls will come within `within`. Slots are booted and kept free for them, within max.
struct Expect {
  std::uint64_t calls = 0;
  Duration within = kForever;
};

/// `digest` is to serve in place of `replaces`, the plugin's active digest (kNoDigest: none). Runners load it beside
/// what they have, calls go on as before. Answered by Prepared, and again whenever that changes, until Switch or
/// Abandon.
struct Prepare {
  DigestId digest = 0;
  DigestId replaces = kNoDigest;
};
/// From now on calls are submitted with `to` and runners boot with it. `from` is served until no call and no lease of
/// this pool has it any more, also to calls that were submitted with it and come late.
struct Switch {
  DigestId from = kNoDigest;
  DigestId to = 0;
};
/// `digest`, which was to be prepared, will not serve: it ends where it was loaded. An active one is left as it is.
struct Abandon {
  DigestId digest = 0;
};
/// What the pool still has of a superseded `digest` is to end: children and tracked resources as by EndLease, calls
/// without a deadline that run as by Cancel. They are told that they were replaced by `successor`, "video@1.5.0".
struct EndVersion {
  DigestId digest = 0;
  std::string successor;
};
/// The answer to Load. Late and unknown ones are ignored.
struct Loaded {
  RunnerId runner = 0;
  DigestId digest = 0;
  std::optional<Error> error;  ///< the runner cannot serve the digest
};
/// Nothing of the digest is left on the runner: the answer to EndGeneration. Unasked, it can serve the digest no more.
struct GenerationEnded {
  RunnerId runner = 0;
  DigestId digest = 0;
};

}  // namespace event

using AnyEvent = std::variant<event::Submit, event::Cancel, event::BootOk, event::BootFailed, event::RunnerHello,
                              event::Heard, event::RunnerLost, event::MachineExited, event::Begun, event::Result,
                              event::Ended, event::Retire, event::Tick, event::Drain, event::Resize, event::Expect,
                              event::Release, event::EndLease, event::DeadlinePassed, event::StoodStill, event::Prepare,
                              event::Switch, event::Abandon, event::EndVersion, event::Loaded, event::GenerationEnded,
                              event::BootReached, event::MachineEnds, event::BootLog>;
/// One of these. Its copies, moves and ends are compiled once (as of wire::Body).
struct Event : AnyEvent {
  using AnyEvent::AnyEvent;
  Event() noexcept;
  Event(const Event&);
  Event(Event&&) noexcept;
  Event& operator=(const Event&);
  Event& operator=(Event&&) noexcept;
  ~Event();
};

}  // namespace flame::pool
