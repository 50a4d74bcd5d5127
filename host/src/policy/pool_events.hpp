// What goes into PoolPolicy and what comes out of it. The driver (loop) turns messages, timers and backend callbacks
// into events, and carries out actions in the order given.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

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
  /// nullopt: queue ≤ boot_timeout, then run ≤ timeout of the pool.
  std::optional<Duration> budget;
  std::uint32_t retries = 0;
  bool idempotent = false;  ///< else retries is ignored
  bool linked = true;       ///< false: it goes on for shutdown_timeout on a runner that has lost us
  /// The call uses objects that the call `lease` left in its slot: it takes its turn there, and is never retried.
  CallId lease = 0;
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
  bool permanent = false;
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

}  // namespace event

using Event = std::variant<event::Submit, event::Cancel, event::BootOk, event::BootFailed, event::RunnerHello,
                           event::Heard, event::RunnerLost, event::MachineExited, event::Begun, event::Result,
                           event::Ended, event::Retire, event::Tick, event::Drain, event::Resize, event::Expect,
                           event::Release, event::EndLease, event::DeadlinePassed, event::StoodStill>;

namespace action {

/// Ask the backend for a machine; the runner must have `digests`. Its outcome comes back as BootOk or BootFailed.
struct Boot {
  RunnerId runner = 0;
  std::vector<DigestId> digests;
};
/// Send Welcome. `idle_shutdown` (kForever: never) is when the runner asks to retire.
struct Admit {
  RunnerId runner = 0;
  Duration idle_shutdown{};
};
/// Send Refuse{reason} and close: unknown runner, second hello, or it came too late.
struct Reject {
  RunnerId runner = 0;
  std::string reason;
};
/// Send Invoke. Keep the arguments until Complete: there may be a retry (attempt > 1, same digest).
struct Send {
  CallId call = 0;
  RunnerId runner = 0;
  Duration remaining{};  ///< kForever: none
  std::uint32_t attempt = 1;
};
/// Send Cancel; or, while the Invoke is still in the driver's queue, withdraw it and feed Ended. If it was sent and
/// `lease` is not 0, feed DeadlinePassed.
struct CancelRemote {
  CallId call = 0;
  RunnerId runner = 0;
  wire::CancelReason reason = wire::CancelReason::cancelled;
  CallId lease = 0;
};
/// Take it back if its Invoke is still in the driver's queue, and feed Ended then.
struct Withdraw {
  CallId call = 0;
  RunnerId runner = 0;
};
/// Tell the caller, once. nullopt: the payload of the last Result of this call. Arguments and payload can go now.
/// `error.runner` and `error.plugin` are not filled here: the driver knows the names (`runner` below; 0: none).
struct Complete {
  CallId call = 0;
  RunnerId runner = 0;
  std::optional<Error> error;
};
/// Send Release: nobody has a handle to these objects.
struct ReleaseObjects {
  RunnerId runner = 0;
  CallId lease = 0;
  std::vector<std::uint64_t> objects;
};
/// What the call `lease` left in its slot is gone: no handle to it works any more. `error`: why; nullopt: it was let
/// go, or a child ended by itself. Once for each call that completed with objects.
struct LeaseEnded {
  CallId lease = 0;
  RunnerId runner = 0;
  std::optional<Error> error;
};
/// Answer Retire. granted: nothing will be sent after this; the runner ends what it has, then leaves.
struct RetireReply {
  RunnerId runner = 0;
  bool granted = false;
};
/// Send Drain: no further invocation comes.
struct DrainRunner {
  RunnerId runner = 0;
  Duration grace{};
};
/// The runner is out of the pool, for whatever reason, also after MachineExited: close its session if there is one,
/// forget its keys, and destroy its machine. If the boot has not answered yet: feed its BootOk, which yields a second
/// Destroy. Of later events about it only MachineExited matters; all are harmless.
struct Destroy {
  RunnerId runner = 0;
  std::string reason;  ///< why it did not boot, or went
};
/// For people: the call is tried again, once nothing of this attempt is left. `error`: how it ended.
struct AttemptFailed {
  CallId call = 0;
  RunnerId runner = 0;
  Error error;
};
/// A user callback, to be run on the executor. Not for boots that only keep `min` up (as FLAME).
struct Callback {
  enum class Kind : std::uint8_t { grow_start, grow_end, shrink };
  Kind kind = Kind::grow_start;
  RunnerId runner = 0;
  std::uint32_t count = 0;     ///< runners + booting ones: after grow_start and grow_end, after the loss for shrink
  std::optional<Error> error;  ///< grow_end: why it failed
  std::string reason;          ///< shrink: why it is gone
};
/// For people: the runner has said nothing since `heard` and gets no new calls (`quiet`), or speaks again.
struct Quiet {
  RunnerId runner = 0;
  bool quiet = true;
  Instant heard{};
};
/// Drain has finished: no call and no runner is left. Once.
struct Drained {};

}  // namespace action

using Action =
    std::variant<action::Boot, action::Admit, action::Reject, action::Send, action::CancelRemote, action::Withdraw,
                 action::Complete, action::RetireReply, action::DrainRunner, action::Destroy, action::Callback,
                 action::Drained, action::ReleaseObjects, action::LeaseEnded, action::Quiet, action::AttemptFailed>;
using Actions = std::vector<Action>;

}  // namespace flame::pool
