// What a backend does: it boots machines that run flame-runner, and destroys them. Implemented under backends/.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/system/result.hpp>

#include <flame/config.hpp>
#include <flame/error.hpp>
#include <flame/options.hpp>

namespace flame {

/// A backend's own name for a machine: a pid for `local`, a machine id for `fly`. Unique within the backend.
using MachineId = std::string;

/// Everything a machine needs to become one runner of one pool.
struct BootRequest {
  std::string pool;
  std::string runner;       ///< the runner's id; a repeated request with the same id is the same boot
  std::string parent;       ///< FLAME_PARENT: bytes of wire/parent.fbs; holds keys: never log it, never in an error
  Duration boot_timeout{};  ///< the machine must have started within this
  std::map<std::string, std::string> env;  ///< further environment of the runner; nothing else is inherited but PATH,
                                           ///< HOME, LANG and TMPDIR (local)
  std::vector<std::string> plugin_dirs;    ///< directories of this machine that hold the plugins (local only)
};

/// A machine as the backend sees it.
struct Machine {
  MachineId id;
  std::string runner;  ///< BootRequest::runner
};

/// A boot's one outcome: the machine, or why there is none. `permanent`: trying again cannot help (the waiters are
/// told at once); else the pool backs off and tries again.
struct BootFailure {
  Error error;  ///< ErrorCode::boot_failed, the message says what to fix
  bool permanent = false;
};
using BootOutcome = boost::system::result<Machine, BootFailure>;

/// Boots and destroys machines. All functions are called on the host's loop thread and return at once; the callbacks
/// come on any thread, once each, also for requests that were destroyed meanwhile, and never after the destructor has
/// returned. One instance serves all pools that name it.
class Backend {
 public:
  /// A machine has ended. `exit_reason` is for people ("exit code 1", "killed by signal 9"). Proof of death: the host
  /// fails the calls there at once instead of waiting for missed heartbeats.
  using OnExit = std::function<void(MachineId, std::string exit_reason)>;
  using OnBoot = std::function<void(BootOutcome)>;

  virtual ~Backend() = default;

  /// "local", "fly", …: as in the configuration.
  [[nodiscard]] virtual std::string name() const = 0;

  /// Sets who hears of ended machines. Called once, before the first boot.
  virtual void on_exit(OnExit callback) = 0;

  /// Starts a machine; `done` is called exactly once. Idempotent per BootRequest::runner.
  virtual void boot(BootRequest request, OnBoot done) = 0;

  /// Ends a machine for good (also one that is unknown or gone: no error). Idempotent; does not wait.
  virtual void destroy(const MachineId& id) = 0;

  /// Machines of this host that exist now.
  [[nodiscard]] virtual std::vector<Machine> list() = 0;
};

/// What the host tells a backend when it makes one.
struct BackendEnvironment {
  std::string host_name;
  std::string runtime_dir;  ///< the host's own 0700 directory; a backend may create files in `runtime_dir`/NAME
  std::function<void(std::string_view)> log;  ///< one line for the host's log, from any thread; never empty
};

/// Makes a backend. Errors: invalid_argument naming the option and its location (Option::where) when the options are
/// not valid: unknown key (with the nearest valid one), wrong type, missing or impossible value. Called once per host
/// and backend name, on the thread that constructs the Host, before any pool boots.
using BackendFactory = std::function<boost::system::result<std::unique_ptr<Backend>, Error>(const BackendOptions&,
                                                                                            const BackendEnvironment&)>;

/// The backends that come with this project, by name. Defined where programs are composed (backends/).
[[nodiscard]] std::map<std::string, BackendFactory> default_backends();

}  // namespace flame
