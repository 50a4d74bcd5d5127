// What comes out of PoolPolicy: PoolDriver carries actions out in the order given.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <flame/error.hpp>

#include "host/src/policy/types.hpp"
#include "plugin_sdk/wire/messages.hpp"

namespace flame::pool {

namespace action {

/// Ask this backend for a machine; the runner must have `digests`. Its outcome comes back as BootOk or BootFailed. A
/// second time for one runner: the backend before has failed and had no room, of which `sent_on` tells; else that is
/// empty.
struct Boot {
  RunnerId runner = 0;
  std::vector<DigestId> digests;
  BackendIndex backend = 0;
  std::string sent_on;
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
  std::string reason;    ///< why it did not boot, or went
  std::string log_tail;  ///< of a boot that has failed: the end of the machine's own log, if it is known
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
  BackendIndex backend = 0;    ///< grow_start, grow_end: that was asked for the machine
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
/// Send Load: the runner starts the digest beside what it has. Loaded is the answer; one that does not come within
/// boot_timeout counts as a failure, and EndGeneration follows.
struct Load {
  RunnerId runner = 0;
  DigestId digest = 0;
};
/// Send EndGeneration: nothing of this digest will be sent to the runner, and it has no call or object of it. It may
/// still be loading it: then it is to give up.
struct EndGeneration {
  RunnerId runner = 0;
  DigestId digest = 0;
};
/// How far a Prepare is. It can also become worse: the only runner that was ready may be lost.
struct Prepared {
  DigestId digest = 0;
  bool ready = false;          ///< at least one runner can serve it
  std::optional<Error> error;  ///< no runner can: the first reason; or the pool drains
  std::string waits_for;       ///< for people; empty with `ready`: all that were asked have answered
};
/// Ask the runner's backend for the end of its machine's log: the boot's time is nearly over. The answer is fed as
/// BootLog; without one the boot is given up all the same.
struct AskLog {
  RunnerId runner = 0;
};
/// Drain has finished: no call and no runner is left. Once.
struct Drained {};

}  // namespace action

using AnyAction =
    std::variant<action::Boot, action::Admit, action::Reject, action::Send, action::CancelRemote, action::Withdraw,
                 action::Complete, action::RetireReply, action::DrainRunner, action::Destroy, action::Callback,
                 action::Drained, action::ReleaseObjects, action::LeaseEnded, action::Quiet, action::AttemptFailed,
                 action::Load, action::EndGeneration, action::Prepared, action::AskLog>;
/// One of these. Its copies, moves and ends are compiled once (as of wire::Body).
struct Action : AnyAction {
  using AnyAction::AnyAction;
  Action() noexcept;
  Action(const Action&);
  Action(Action&&) noexcept;
  Action& operator=(const Action&);
  Action& operator=(Action&&) noexcept;
  ~Action();
};
using Actions = std::vector<Action>;

}  // namespace flame::pool
