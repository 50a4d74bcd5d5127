// What a backend does: it boots machines that run flame-runner, and ends them. Implemented under backends/.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/system/result.hpp>

#include <flame/config.hpp>
#include <flame/options.hpp>
#include <flame/result.hpp>

namespace flame {

/// The host's name for a machine, and the key of every call and event: [a-z0-9-], at most 40 bytes, never used twice by
/// any host, pool or run of a host. An engine with unique names gets it as the name; every engine gets it as a label.
using MachineName = std::string;
/// The engine's own name (pid, container id, job number). Empty: not known yet. For people, and to find it again.
using MachineId = std::string;
/// Whose machine it is; put on it unchanged when it is created. Keys and values match [a-z0-9][a-z0-9._-]{0,62}:
/// flame-name, flame-host, flame-pool, flame-origin, flame-process; with BackendTraits::max_lifetime flame-until (unix
/// seconds), by when it has ended for sure: later any host of this name may end it.
using Labels = std::map<std::string, std::string>;

/// How far a boot has come. Forward only, steps may be left out. Values are only appended.
enum class BootPhase : std::uint8_t {
  queued = 0,  ///< accepted, no machine yet: the time until `placed` is bounded by queue_timeout
  placed,      ///< it has a place: from here to the runner's hello boot_timeout counts
  pulling,     ///< its image is being fetched
  starting,    ///< the machine comes up
  started,     ///< the runner's process was started: booted() follows
};

/// What the pool does about a failed boot.
enum class Remedy : std::uint8_t {
  retry = 0,  ///< the same backend again, after retry_after or the pool's own back-off, whichever is longer
  elsewhere,  ///< no room or quota in any of this backend's places: the pool's next backend at once, this one later
  permanent,  ///< only another configuration helps: waiters are told, unless another backend can serve them
};
struct BootFailure {
  Error error;  ///< boot_failed; message: what to fix; log_tail: the end of the machine's own log. No secrets
  Remedy remedy = Remedy::retry;
  Duration retry_after{};  ///< zero: the engine did not say
  bool may_exist = false;  ///< the machine may exist all the same: the host destroys it by name
};

/// How a machine reaches this host. `advertise` of [backends.NAME], else of [host], replaces `addresses` unless "auto".
struct Reach {
  bool ipc = false;                    ///< it shares this kernel and sees the host's runtime directory
  std::vector<std::string> addresses;  ///< of this host, as the machine sees it; best first, without ports; at most 4,
                                       ///< further ones are ignored. None: those that the host listens on
};

/// What makes a machine a runner of this host (FLAME_PARENT, FLAME_PARENT_FD). It holds a key: never in a log, error,
/// label or command line, nor where the engine's `inspect` or another user's /proc shows it. [any thread]
class BootDescriptor {
 public:
  virtual ~BootDescriptor() = default;
  /// Binary, at most 64 KiB (FLAME_PARENT is its base64); the same for the same `reach`. Error: invalid_argument, the
  /// host listens on nothing that fits; its message says what to add.
  [[nodiscard]] virtual Result<std::string> bytes(const Reach& reach) const = 0;
};

/// Everything that a machine needs to become one runner of one pool.
struct BootRequest {
  MachineName name;  ///< a second request of this name is the same boot: adopt what has this name and these labels
  std::string pool;
  std::string runner;  ///< its name for people ("video-3"): in log lines. Two hosts may have runners of one name
  Labels labels;
  std::shared_ptr<const BootDescriptor> descriptor;  ///< never null
  Duration queue_timeout{};                ///< kept by the host, which destroys; here for engines that can be told
  Duration boot_timeout{};                 ///< the same
  std::map<std::string, std::string> env;  ///< wins over the backend's own `env`; at most 32 KiB; never a secret
  std::string size;                        ///< one of BackendTraits::sizes; empty: the backend's default
  std::vector<std::string> plugin_dirs;    ///< with same_files: where the plugins are
};

/// A machine as its backend sees it.
struct Machine {
  MachineName name;
  MachineId id;
  Labels labels;                ///< as the engine gives them back
  std::string place;            ///< region, node, partition: for people
  std::string state;            ///< the engine's word: for people
  Duration age{};               ///< since it was created
  Duration ends_in = kForever;  ///< if its end is known from the start: walltime, maximal lifetime; no notice
};
/// A boot's one outcome: the machine, or why there is none.
using BootOutcome = boost::system::result<Machine, BootFailure>;

/// How a machine has ended.
struct MachineExit {
  std::string reason;          ///< "exit code 1", "killed by signal 9 (Killed)", "evicted: memory of the node"
  bool out_of_memory = false;  ///< the whole machine was ended for its memory
  std::string log_tail;        ///< the end of its own log, where that may say why; else empty
};

/// What was found when the backend opened. Empty: not known.
struct EngineFacts {
  std::string engine;                ///< "Docker 20.10.24, API 1.41"
  std::string image;                 ///< with its digest
  std::vector<std::string> plugins;  ///< that the image holds: "video@1.5.0 sha256:…"
};

/// What the host hears. [any thread, also from within a call of Backend] Never blocks, never throws; the host keeps no
/// lock meanwhile that a call of Backend could want. Events about one machine come in the order in which they stand
/// here: first all of its phases, last the answers to destroy().
class BackendEvents {
 public:
  /// One line for the host's log, without its newline. `level`: 0 debug, 1 info, 2 warning, 3 error. No secrets.
  virtual void log(int level, std::string_view line) noexcept = 0;
  /// Once after open(). A failure does not end the backend: until it has found its engine, which it may look for again,
  /// it answers each boot() with it.
  virtual void opened(boost::system::result<EngineFacts, BootFailure> facts) noexcept = 0;
  /// `detail`: for people ("partition gpu: Priority"); may be empty. Only while a boot is under way.
  virtual void phase(const MachineName& name, BootPhase phase, std::string_view detail) noexcept = 0;
  /// Once per boot(), also after destroy(), which makes it a failure (`cancelled`) unless the machine was there before.
  /// A machine that dies before it has started is a failed boot, and never `exited`.
  virtual void booted(const MachineName& name, BootOutcome outcome) noexcept = 0;
  /// Others are about to end it. May be revised: the last one counts. A notice that comes while it boots is told after
  /// booted(), and not by Machine::ends_in: that tells what the next machines are like, too.
  virtual void ending(const MachineName& name, Duration left, std::string_view why) noexcept = 0;
  /// Proof of death, once for each machine that booted: the host fails the calls there at once instead of waiting for
  /// missed heartbeats. An engine's guess (unreachable node, lost agent) is none.
  virtual void exited(const MachineName& name, MachineExit exit) noexcept = 0;
  /// Once per destroy(). None: it is gone. Else why it may be left: the message says how to end it.
  virtual void destroyed(const MachineName& name, std::optional<Error> left) noexcept = 0;
  /// Once per list(). Error: boot_failed, the engine does not answer; not the same as no machine.
  virtual void listed(std::uint64_t ticket, Result<std::vector<Machine>> machines) noexcept = 0;
  /// Once per logs(). Errors: not_found, no such machine; boot_failed, the engine does not answer.
  virtual void logged(std::uint64_t ticket, Result<std::string> text) noexcept = 0;
  /// Once after close(). The last event.
  virtual void closed() noexcept = 0;

 protected:
  ~BackendEvents() = default;
};

/// What never changes about a backend. A claim is tested; `false` costs comfort, never correctness.
struct BackendTraits {
  bool same_kernel = false;          ///< runners are processes of this kernel
  bool same_files = false;           ///< they see this machine's paths
  bool queues = false;               ///< `queued` may last
  bool ends_machines = false;        ///< ending() comes before others end one
  bool proves_death = false;         ///< exited() comes by itself within two seconds
  bool unique_names = false;         ///< the engine refuses a second machine of one name
  bool lists = false;                ///< list() also finds machines of hosts that are gone
  std::vector<std::string> sizes;    ///< what `size` of a pool may name
  Duration max_lifetime = kForever;  ///< each machine ends by then, counted from its place, and says so by `ends_in`
};

/// Boots and ends machines. All functions but name() and traits(): the host's loop thread, where they return at once
/// (no I/O) and do not throw: errors come as events. Times are what remains, by the backend's own clock. One object
/// serves all pools that name it. A host has it for itself.
class Backend {
 public:
  virtual ~Backend() = default;  ///< only before open() or after closed()
  /// Of its table: "fly", "big". [any thread]
  [[nodiscard]] virtual std::string_view name() const = 0;
  /// The same object and values each time. [any thread]
  [[nodiscard]] virtual const BackendTraits& traits() const = 0;
  /// First, once; `events` outlives closed(). Errors: see opened().
  virtual void open(BackendEvents& events) = 0;
  /// Starts a machine, or finds the one that has this name and these labels. One of this name with other labels is a
  /// `permanent` failure that names its owner. After close(): a failure (`shutting_down`).
  virtual void boot(BootRequest request) = 0;
  /// Ends it for good, or its boot; unknown and gone ones count as gone. `id` may be empty. Repeating it is harmless.
  virtual void destroy(const MachineName& name, const MachineId& id) = 0;
  /// Machines that have all of these labels.
  virtual void list(std::uint64_t ticket, const Labels& scope) = 0;
  /// The last `bytes_max` bytes of its log.
  virtual void logs(std::uint64_t ticket, const Machine& machine, std::uint64_t bytes_max) = 0;
  /// Last, once. Answers what is open within this time, with errors where it must, and says closed().
  virtual void close(Duration within) = 0;
};

/// What the host tells a backend when it makes one.
struct BackendEnvironment {
  std::string name;  ///< of the table
  std::string host_name;
  std::string runtime_dir;  ///< the host's own 0700 directory; a backend's files go into `runtime_dir`/`name`
};

/// Makes a backend. Error: invalid_argument naming the option and its location (Option::where) when the options are not
/// valid: unknown key (with the nearest valid one), wrong type, missing or impossible value. Does no I/O: that is
/// open()'s. Called once per host and table, on the thread that constructs the Host, before any pool boots.
using BackendFactory = Result<std::unique_ptr<Backend>> (*)(const BackendOptions&, const BackendEnvironment&);

/// The backends that come with this project, by kind. Defined where programs are composed (backends/).
[[nodiscard]] std::map<std::string, BackendFactory> default_backends();

}  // namespace flame
