// What a running host tells of itself: plain values, made on the loop thread, read by the control socket's clients.
// Member names are the keys of the JSON (control/README.md); durations get "_ns" appended there.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <flame/activate.hpp>
#include <flame/error.hpp>
#include <flame/options.hpp>
#include <flame/pool.hpp>
#include <flame/result.hpp>

namespace flame::control {

/// A plugin as its runner reported it.
struct PluginStatus {
  std::string plugin;    ///< "video@1.4.0"
  std::string digest;    ///< 64 hex digits
  bool forkable = true;  ///< false: slots start slowly, as the plugin's start() left threads running
  std::string error;     ///< why it cannot be used there; else empty
};

struct RunnerStatus {
  std::string name;
  std::string backend;  ///< of the pool's, the one whose machine it is on
  std::string state;    ///< "queued", "booting", "ready", "silent", "draining"
  std::uint32_t slots_busy = 0;
  std::uint32_t slots = 0;
  std::string isolation;                ///< "process", "thread"
  std::string machine;                  ///< the backend's name for its machine; empty until that has started
  std::string machine_name;             ///< the host's name for it
  Duration age{};                       ///< since it was asked of the backend
  std::optional<Duration> session_age;  ///< since its hello
  std::optional<Duration> idle;         ///< without work for so long
  std::optional<Duration> ends_in;      ///< its machine, if that is known; it drains before that
  std::optional<Duration> silent;       ///< "silent": nothing was heard for so long, and it gets no new calls
  std::vector<PluginStatus> plugins;
  std::map<std::string, std::string> facts;  ///< "hostname", "cpus", "memory" in bytes, "kernel", "pid", …
  std::optional<std::uint64_t> children;     ///< that live there; absent: told by a host that does not count them
  std::optional<std::uint64_t> tracked;      ///< handles to tracked resources there
};

/// How far the backend said that a boot had come.
struct BootPhaseStatus {
  std::string phase;   ///< "queued", "placed", "pulling", "starting", "started"
  std::string detail;  ///< the backend's own words; may be empty
  Duration after{};    ///< since the request
};

/// One boot. The steps count from the request; one that has not been reached is absent.
struct BootStatus {
  std::string runner;
  std::string backend;  ///< of the pool's, the one that was asked last
  std::string state;    ///< "under_way", "ready", "failed"
  Duration asked_ago{};
  std::optional<Duration> machine;  ///< the backend said that the machine has started
  std::optional<Duration> hello;    ///< the runner has dialled in
  std::optional<Duration> ready;
  std::optional<Duration> failed;
  std::string reason;                   ///< failed: why
  std::vector<BootPhaseStatus> phases;  ///< the last one is where it is; empty: its backend does not say
};

/// One entry of a pool's `plugins`, and what serves its calls.
struct LineStatus {
  std::string plugin;     ///< as the configuration has it: "video@1"
  std::string active;     ///< "video@1.4.0"
  std::string digest;     ///< of `active`
  std::string previous;   ///< what a rollback would go to; empty: nothing
  std::string candidate;  ///< what is being activated; empty: nothing …
  std::string waits_for;  ///< … and what that waits for
};

struct PoolStatus {
  std::string name;
  std::string backend;  ///< "local"; of several in order "local, fly"
  std::string isolation;
  std::uint32_t max_concurrency = 0;  ///< slots per runner; 1 for single_use
  PoolStats stats;
  std::optional<Duration> oldest_wait;  ///< of the calls that wait
  std::optional<Duration> next_boot;    ///< boots are put off for so long after failed ones …
  std::string boot_failure;             ///< … the last of which said this; empty once one has succeeded
  std::string full;                     ///< which of its backends may have no more machines; empty: none is full
  std::vector<LineStatus> lines;        ///< empty: told by a host that does not know changes
  std::vector<RunnerStatus> runners;
  std::vector<BootStatus> boots;  ///< those under way, and recent ones; newest first
  std::optional<std::uint64_t> children;
  std::optional<std::uint64_t> tracked;
};

struct HostStatus {
  std::string name;
  std::int64_t pid = 0;
  std::string version;
  Duration uptime{};
  std::vector<PoolStatus> pools;  ///< by name
};

/// A step of a call's story, in words and for programs.
struct CallLine {
  Duration after{};    ///< since the submission
  std::string what;    ///< "submitted", "queued", "boot_asked", "sent", … (control/README.md)
  std::string runner;  ///< empty: none involved
  std::string text;    ///< one line
};

/// The story of one call.
struct CallReport {
  std::string host;
  std::int64_t pid = 0;
  std::uint64_t invocation = 0;
  std::string pool;
  std::string task;
  std::string plugin;   ///< "video@1.4.0"
  std::string state;    ///< "waiting", "running", "holding" (objects of it live in its slot), "ended"
  std::string outcome;  ///< "ok" or the code of the error; empty unless it has ended
  Duration submitted_ago{};
  std::uint32_t left_out = 0;  ///< steps in the middle that were not kept
  std::vector<CallLine> lines;
};

/// An activation or a rollback that was asked for through the control socket. One that has failed is no value of this:
/// its error is the answer.
struct OperationStatus {
  std::uint64_t number = 0;
  std::string change;                    ///< what was asked for: "activate video@1.5.0"
  std::string state;                     ///< "under_way", "done"
  std::optional<ActivateResult> result;  ///< "done"
};

/// One machine, as its backend lists it.
struct MachineStatus {
  std::string name;
  std::string id;     ///< the engine's name for it
  std::string state;  ///< the engine's word
  std::string place;
  std::string pool;   ///< the label's value where the pool is not known
  std::string host;   ///< likewise
  std::string owner;  ///< "living", "gone", "expired", "elsewhere", "unknown": pool::MachineOwner
  Duration age{};
  std::optional<Duration> ends_in;
};
struct BackendMachines {
  std::string backend;
  bool lists = false;          ///< false: it lists nothing, as its machines end with their host
  std::string error;           ///< why there is no list; else empty
  std::uint64_t left_out = 0;  ///< machines beyond limits::kReapMachinesMax
  std::vector<MachineStatus> machines;
};
struct MachineList {
  std::string host;
  std::int64_t pid = 0;
  std::vector<BackendMachines> backends;  ///< by name
};
/// What has become of a request about one machine.
struct MachineReport {
  std::string machine;
  std::string log;  ///< the end of its log, if that was asked for
};

/// What a request gets.
using Answer = Result<std::variant<HostStatus, CallReport, OperationStatus, MachineList, MachineReport>>;

}  // namespace flame::control
