// Configuration of a host and its pools: plain structs for C++, and the same from TOML. Defaults are FLAME's.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <flame/error.hpp>
#include <flame/options.hpp>
#include <flame/result.hpp>

namespace flame {

/// A duration without end; "infinite" in TOML.
inline constexpr Duration kForever = Duration::max();

/// Where something was written. `file` empty: it was set from C++. Lines and columns count from 1; 0 = unknown.
struct Location {
  std::string file;
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  /// "flame.toml:3:5", or "" when set from C++.
  [[nodiscard]] std::string to_string() const;
};

/// A value that must never show up in a log or an error: it is named by where it comes from and read when it is needed.
/// `{ env = "FLY_API_TOKEN" }` or `{ file = "/run/secrets/token" }` in TOML.
class Secret {
 public:
  [[nodiscard]] static Secret from_env(std::string variable);
  [[nodiscard]] static Secret from_file(std::string path);  ///< its contents without the final newline
  [[nodiscard]] static Secret literal(std::string value);   ///< C++ only

  /// The value. Errors: invalid_argument when the variable is not set or the file cannot be read, or when it is empty.
  [[nodiscard]] Result<std::string> reveal() const;
  /// "environment variable FLY_API_TOKEN": for messages.
  [[nodiscard]] std::string describe() const;

 private:
  enum class Source : std::uint8_t { env, file, literal };
  Secret(Source source, std::string text) : source_(source), text_(std::move(text)) {}
  Source source_;
  std::string text_;
};

struct BackendOptions;

/// An empty array is one of strings.
using OptionValue = std::variant<bool, std::int64_t, double, std::string, std::vector<std::string>, Secret,
                                 std::vector<BackendOptions>>;

/// One option of a backend and where it was written.
struct Option {
  OptionValue value;
  Location where;
};

/// `[backends.NAME]` flattened: `guest = { cpus = 4 }` is the key "guest.cpus", and a table called "env" is never taken
/// for a secret. Each table of an array is flattened by itself. Each backend checks its own: it must answer an unknown
/// key or a wrong type with invalid_argument that names `where`.
struct BackendOptions {
  std::map<std::string, Option> values;
  Location where;  ///< of the table
};

/// What becomes of a machine that a host of this name has left behind: it is told, or it is ended as well.
enum class Reap : std::uint8_t { report = 0, destroy };

/// `[backends.NAME]`: what the host reads of it, and options for the backend.
struct BackendConfig : BackendOptions {
  std::string kind;                  ///< of default_backends(); empty: NAME. So one kind can be configured twice
  std::optional<std::uint32_t> max;  ///< machines of all pools together, at least 1; none: each pool has its own `max`
  /// Address that its machines dial for tcp, instead of those that it knows; "auto": those. Empty:
  /// HostConfig::advertise.
  std::string advertise;
  Reap reap = Reap::report;
};

/// How free runners are chosen: spread the load, or fill one runner before the next (so that others idle out).
enum class Strategy : std::uint8_t { least_loaded = 0, pack };

/// What a slot is: a process of its own, or a thread of one process per generation (trusted short tasks only).
enum class SlotIsolation : std::uint8_t { process = 0, thread };

/// What becomes of threads that a call leaves running in its slot, mostly a library's pool. keep: they are part of the
/// slot as long as they sleep between calls and their number settles. discard: the slot serves no further call. Either
/// way what goes on computing, or becomes more with each call, ends its slot; the result is delivered.
enum class LeftoverThreads : std::uint8_t { keep = 0, discard };

/// `[pools.NAME.limits]`: per slot. 0 = unlimited (open_files: inherited).
struct LimitsConfig {
  /// Bytes beyond what the slot uses when it is forked; "1GiB". Counted is what may be written, whether it is or not
  /// (RLIMIT_DATA), the stacks of the plugin's threads included: in slots with this limit a thread whose creator asks
  /// for no size has a stack of memory / 96, at least 512 KiB and at most what it would have without the limit. A
  /// thread that finds no room fails with EAGAIN.
  std::uint64_t memory = 0;
  TimeLimit cpu_time{};          ///< per invocation; "10s"
  std::uint32_t open_files = 0;  ///< RLIMIT_NOFILE
  /// Leaves core dumps of crashed slots, and of a crash in start(), to the system: RLIMIT_CORE is the hard limit that
  /// flame-runner was started with, and core(5) says where they go; "core" means the slot's directory, which is
  /// flame-runner's. They hold all of the task's memory. A slot has a minute to write one; a call whose deadline comes
  /// before that cuts it short.
  bool core = false;
};

/// `[host.liveness]`: how hosts and runners notice that the other side is gone. The host tells its runners. Over ipc
/// the kernel tells: a side that is silent while its process and connection live (a breakpoint, Ctrl-Z) is not lost, it
/// only gets no new calls; there the silences may be kForever ("infinite"). Over tcp silence is the evidence; a process
/// that stood still itself gives its peer the time anew. 5 x beat <= host_silence, and host_silence + beat <
/// runner_silence: else attempts of one call could overlap. All at most an hour; beat at least 10 ms, failsafe 1 s.
struct Liveness {
  TimeLimit beat = std::chrono::seconds(1);             ///< both sides say something this often
  TimeLimit host_silence = std::chrono::seconds(10);    ///< tcp: a runner whose beats were not echoed for so long ends
  TimeLimit runner_silence = std::chrono::seconds(15);  ///< not heard for so long: lost (tcp), no new calls (ipc)
  TimeLimit failsafe = std::chrono::seconds(20);        ///< a runner that nobody has welcomed ends
};

/// `[pools.NAME]`. Durations: kForever = infinite ("infinite" in TOML) where the comment allows it.
struct PoolConfig {
  std::vector<std::string> plugins;     ///< "name", "name@1", "name@1.4", "name@1.4.0", "name@sha256:…"; at least one
  std::uint32_t min = 0;                ///< runners kept up at all times; 0 inside a runner, as is `warm`
  std::uint32_t max = 10;               ///< runners at most, booting ones included; 1..limits::kRunnersCeiling
  std::uint32_t max_concurrency = 100;  ///< slots per runner; 1..limits::kMaxConcurrencyCeiling
  /// How long a call may run when neither it nor its task has a timeout. Not for a cast: without a timeout of its own
  /// or of its task it may wait and run without end.
  TimeLimit timeout = std::chrono::seconds(30);
  /// Boot to hello, and hello to the second connection; also how long a call that `timeout` bounds may wait for a slot.
  TimeLimit boot_timeout = std::chrono::seconds(30);
  TimeLimit shutdown_timeout = std::chrono::seconds(30);     ///< what running work gets when the pool or host drains
  TimeLimit idle_shutdown_after = std::chrono::seconds(30);  ///< kForever: never
  TimeLimit min_idle_shutdown_after =
      kForever;             ///< the same for the last `min` runners; they return with the next call
  bool single_use = false;  ///< one call per runner; max_concurrency then counts as 1
  bool reuse = true;        ///< false: every call gets a fresh slot
  Strategy strategy = Strategy::least_loaded;
  SlotIsolation isolation = SlotIsolation::process;
  LeftoverThreads leftover_threads = LeftoverThreads::keep;  ///< discard needs isolation = process
  std::uint64_t max_queue = 100'000;                         ///< callers that may wait; the next gets queue_full
  /// Bytes of calls that may wait: their arguments and 2 KiB for each; the next gets queue_full. A larger call is taken
  /// when no other waits. "1GiB"
  std::uint64_t max_queue_bytes = std::uint64_t{1} << 30;
  std::uint64_t payload_max = std::uint64_t{2} << 30;  ///< bytes of one call's arguments or result; "2GiB"
  /// Where its runners come from, the first one first: names in HostConfig::backends, or kinds that need no options.
  /// Empty: HostConfig::backend. At most limits::kPoolBackendsMax, each once.
  std::vector<std::string> backend;
  std::string size;  ///< of its machines: one that all of its backends have; empty: each backend's default
  /// Beside `boot_timeout`: how long a machine may be queued at its backend before it has a place.
  TimeLimit queue_timeout = std::chrono::minutes(10);
  std::uint32_t warm = 0;  ///< slots kept free above demand, within max: runners are booted ahead and kept for them
  std::uint32_t spare_slots = 1;  ///< forked slot processes that stand by per plugin of a runner; at most 64
  LimitsConfig limits;
  /// Environment of the runners, beside what the backend passes; at most limits::kPoolEnvironmentMax. No secrets:
  /// engines show it.
  std::map<std::string, std::string> env;
  /// More variables, for tasks alone: they travel beside the runner's keys, and are read at each boot. At most
  /// limits::kTaskSecretsMax of limits::kTaskSecretsBytesMax. In TOML in `env`, too: `DATABASE_URL = { env = "X" }`.
  std::map<std::string, Secret> secret_env;
};

/// How the texts of keys begin. A public key may stand in a configuration, a secret one never.
inline constexpr std::string_view kPublicKeyPrefix = "flame-public-key-v";
inline constexpr std::string_view kSecretKeyPrefix = "flame-secret-key-v";

/// The rest of `[plugins]`, beside HostConfig::plugin_path: what is installed, and which plugins this host runs. What
/// it does not admit is an error that says why (incompatible); nothing of such a plugin runs. Relative paths: in TOML
/// from the file's directory, else from the working directory.
struct PluginsConfig {
  std::string store = "auto";  ///< where installed versions are; "auto": in the user's data directory
  /// Whose signatures count: the text of a public key ("flame-public-key-v1 …"), or the path of a file that holds one;
  /// at most limits::kTrustedKeysMax. A plugin's signature is the file of its name with ".sig" at the end.
  std::vector<std::string> trusted_keys;
  /// true: only plugins that one of `trusted_keys` has signed, under their name and version. A signature covers the
  /// plugin's own file, not libraries that it loads.
  bool require_signature = false;
  std::vector<std::string> revoked;                ///< "sha256:…": files that are never run, whoever signed them
  std::map<std::string, std::string> min_version;  ///< by plugin: older versions are not run; { video = "1.4.0" }
  bool watch = false;  ///< activates what appears in a directory of plugin_path, inside each pool's constraint
};

/// A whole configuration.
struct HostConfig {
  /// Shown in status and logs. The machines of backends that outlive a host are found again by it: each start of one
  /// deployment needs the same. "auto": the machine's host name, which is another one in each new container.
  std::string name = "auto";
  std::vector<std::string> listen = {"ipc://auto"};  ///< "ipc://auto" and/or "tcp://ADDRESS:PORT" (port 0: any)
  std::string advertise = "auto";  ///< address that runners dial for tcp; "auto": the one that their backend knows
  /// Of pools that name none. The environment variable FLAME_BACKEND ("local", "big,fly") replaces it.
  std::vector<std::string> backend = {"local"};
  /// The unix socket that `flame status` and `flame why` attach to; only this user and root may. "auto": in the host's
  /// own directory, where the command finds it; a path (in TOML relative to the file), found as well; "off": none.
  std::string control = "auto";
  std::vector<std::string> plugin_path;  ///< [plugins] path; absolute, or relative to the working directory
  PluginsConfig plugins;
  Liveness liveness;
  std::map<std::string, PoolConfig> pools;
  std::map<std::string, BackendConfig> backends;  ///< at most limits::kBackendTablesMax
  /// Where parse_config() found each option, by path ("pools.ffmpeg.backend"), so that an error which shows later (no
  /// such backend, no such plugin) names its line as well. Empty when set from C++.
  std::map<std::string, Location> places;
};

/// Parses a TOML configuration. `file` is its path: for messages, and relative directories in [plugins] path and
/// relative `{ file = … }` secrets are taken from its directory. Ends with check_config(). Reads no other file.
/// Errors: invalid_argument; the message has one line per problem, "file:line:column: what, and the nearest valid key".
[[nodiscard]] Result<HostConfig> parse_config(std::string_view toml, const std::string& file);

/// Reads `file` and parses it. Errors: not_found when it cannot be read, else as parse_config().
[[nodiscard]] Result<HostConfig> load_config(const std::string& file);

/// What is impossible in a configuration made by hand: ranges, min > max, empty names, …: invalid_argument naming
/// "pools.NAME.key", one line per problem. Host calls it for every configuration. Does not look at backend options.
[[nodiscard]] std::optional<Error> check_config(const HostConfig& config);
[[nodiscard]] std::optional<Error> check_pool(const std::string& name, const PoolConfig& pool);

}  // namespace flame
