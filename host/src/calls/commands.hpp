// What callers, handles, backends and the control socket ask of the loop.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <flame/backend.hpp>
#include <flame/detail/unique_function.hpp>
#include <flame/pool.hpp>

#include "host/src/policy/actions.hpp"
#include "host/src/policy/events.hpp"
#include "host/src/policy/plugin_line.hpp"
#include "host/src/policy/types.hpp"

namespace flame::control {
struct Question;
}

namespace flame::pool {

class RemoteCall;

/// Those with a `pool` are for the pool at this position in the host. What answers one is called by whoever leads,
/// once, or destroyed without a call if the loop has ended or failed before.
namespace command {

/// Taken, or nothing yet.
using None = std::monostate;
/// The call is run; the loop owns its record from here on.
struct Submit {
  std::shared_ptr<RemoteCall> call;
};
/// The caller gives it up.
struct Cancel {
  std::shared_ptr<RemoteCall> call;
};
/// A call was refused before it became one: for the record.
struct Refused {
  struct What {
    CallId call = 0;
    std::string task;
    Error error;
  };
  std::uint32_t pool = 0;
  std::unique_ptr<What> what;
};
/// What the pool's policy is told as it is.
template <class Event>
struct Tell {
  std::uint32_t pool = 0;
  Event event;
};
using Release = Tell<event::Release>;
using EndLease = Tell<event::EndLease>;
using Expect = Tell<event::Expect>;
/// Pool::resize(); the bounds are checked.
struct Resize {
  std::uint32_t pool = 0;
  std::uint32_t min = 0;
  std::uint32_t max = 1;
  detail::UniqueFunction<void(bool)> done;
};
/// No new calls. `done` once nothing is left, at the latest a little after `grace`; true: within it.
struct Drain {
  std::uint32_t pool = 0;
  Duration grace{};
  detail::UniqueFunction<void(bool)> done;
};
/// Pool::stats().
struct AskStats {
  std::uint32_t pool = 0;
  detail::UniqueFunction<void(const PoolStats&)> reply;
};
/// Of the control socket, about all pools.
struct AskHost {
  std::shared_ptr<control::Question> question;
};
/// Lines of one plugin are to serve another digest.
struct ChangePlugin {
  /// Write the record of these moves (their `pool` is a line's number), and push PluginRecorded then. Never blocks.
  using Record = detail::UniqueFunction<void(std::vector<line::Move>)>;
  /// Once. What it moved says lines, too. Never blocks.
  using Done = detail::UniqueFunction<void(line::Done)>;
  struct What {
    std::string plugin;                  // one that the host has lines of
    DigestId digest = kNoDigest;         // kNoDigest: what each of them served before
    std::string reference;               // of the digest, for people
    std::vector<line::PoolIndex> lines;  // their numbers; at least one
    Duration limit{};
    Duration drain_within = kForever;  // then what is left of the version before is stopped
    Record record;
    Done done;
  };
  std::unique_ptr<What> what;
};
/// The record was written, or `error` says why it could not be.
struct PluginRecorded {
  struct What {
    std::string plugin;
    std::optional<Error> error;
  };
  std::unique_ptr<What> what;
};
/// The host shuts down: no plugin is changed any more.
struct EndChanges {};
/// What a backend says, as BackendEvents has it, and only what the loop acts on.
struct BackendSaid {
  struct Reached {
    MachineName name;
    BootPhase phase = BootPhase::placed;
    std::string detail;
  };
  struct Booted {
    MachineName name;
    BootOutcome outcome;
  };
  struct Exited {
    MachineName name;
    MachineExit exit;
  };
  struct Destroyed {
    MachineName name;
    std::optional<Error> left;
  };
  struct Ending {
    MachineName name;
    Duration left{};
  };
  struct Opened {};
  struct Listed {
    std::uint64_t ticket = 0;
    Result<std::vector<Machine>> machines;
  };
  struct Logged {
    std::uint64_t ticket = 0;
    Result<std::string> text;
  };
  struct Closed {};
  using What = std::variant<Booted, Exited, Destroyed, Closed, Reached, Ending, Opened, Listed, Logged>;
  std::uint32_t backend = 0;  // its position in the host
  std::unique_ptr<What> what;
};
/// The host ends: the loop ends once no machine is left.
struct End {};

}  // namespace command

using Command = std::variant<command::None, command::Submit, command::Cancel, command::Refused, command::Release,
                             command::EndLease, command::Expect, command::Resize, command::Drain, command::AskStats,
                             command::AskHost, command::ChangePlugin, command::PluginRecorded, command::EndChanges,
                             command::BackendSaid, command::End>;
// Callers push one per call, and the loop's thread reads it from the other processor's cache.
static_assert(sizeof(Command) <= 32);

}  // namespace flame::pool
