// Host: what a program embeds to run tasks on elastic runners. The first header of a host program.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <flame/activate.hpp>
#include <flame/config.hpp>
#include <flame/contract.hpp>
#include <flame/future.hpp>
#include <flame/pool.hpp>
#include <flame/result.hpp>

namespace flame {

class Backend;

/// Owns the pools, one loop thread, a few callback threads, the sockets that runners dial, and the control socket with
/// its thread (HostConfig::control): `flame status` shows what this host does, `flame why N` what became of the call
/// whose Future::id() or Error::invocation is N. Movable, not copyable. Several hosts may live in one process.
/// In a fork of the process (fork() without exec) calls fail with `shutting_down`, waiting for what was called before
/// throws it, and shutdown() and the destructor do nothing: files, threads and runners stay the parent's. The child may
/// make a Host of its own. If descriptor 0, 1 or 2 is closed when a Host is made, /dev/null is opened there and stays
/// open: a program that becomes a daemon later, and gives them other files, takes none of the host's. A host that fails
/// (out of memory, a fault of its own) ends its calls with `shutting_down` and says why; the program goes on.
class Host {
 public:
  /// Reads a TOML file. Errors, thrown as CallError: `invalid_argument` with file, line and column and the nearest
  /// valid key; `not_found` for a plugin that no directory holds; `boot_failed` where the host cannot listen.
  /// A backend that cannot start says so in the log, and fails the boots of its pools.
  [[nodiscard]] static Host from_file(const std::string& path);
  /// The same from text; `name` stands for the file in error messages.
  [[nodiscard]] static Host from_toml(std::string_view text, std::string_view name = "flame.toml");
  /// From C++: every option of the file. Throws also `invalid_argument` where the control socket cannot be opened.
  explicit Host(HostConfig config);
  /// With backends of the program's own; they win over built-in ones of the same name.
  Host(HostConfig config, std::vector<std::shared_ptr<Backend>> backends);

  Host(Host&&) noexcept;
  Host& operator=(Host&&) noexcept;
  /// shutdown().
  ~Host();

  /// The pool of this name; throws CallError `not_found` that names the nearest pools. [any thread]
  [[nodiscard]] Pool pool(std::string_view name) const;
  /// Names of all pools, sorted. [any thread]
  [[nodiscard]] std::vector<std::string> pool_names() const;

  /// Makes `plugin`, "video@1.5.0", "video@1" (the highest) or "video@sha256:…", what serves the calls of every pool
  /// whose `plugins` admit it, taken from the store or [plugins] path as they are now. Runners load it beside what they
  /// have, and calls go on meanwhile; then all pools switch in one step. When this returns, a call that is submitted
  /// later, also by place_child(), never gets the version before. What was submitted before, with its retries, children
  /// and tracked resources, stays with its version. Changes of one plugin come one after the other. With a store the
  /// next start of this host takes it, too.
  /// Waits, at most boot_timeout of the slowest pool and for changes before it. [any thread, also in callbacks]
  /// Throws CallError, and then nothing was changed: `invalid_argument` (no such syntax; two builds of that version;
  /// the store cannot be written), `not_found` (no such version, no pool has the plugin, no such pool), `incompatible`
  /// (no pool admits it; refused, revoked, too old, not signed; for another CPU or ABI; it lacks or changes a task that
  /// the version before has), `boot_failed` (no runner can start it: says why), `timed_out` (says what it waits for),
  /// `shutting_down`.
  ActivateResult activate(std::string_view plugin, const ActivateOptions& options = {});
  /// activate() of what each pool served before the last change of `plugin`; a second one goes back. Throws `not_found`
  /// where there is none.
  ActivateResult rollback(std::string_view plugin, const ActivateOptions& options = {});

  /// Ends everything: new calls fail with `shutting_down`, accepted ones get up to their pool's shutdown_timeout, then
  /// are cancelled; every runner is told to go and every machine destroyed (what a backend cannot end within five
  /// seconds is named in the log); threads are joined, files removed. After
  /// it no future of this host is unready. Idempotent. Not from a callback of this host. Waits for callbacks that run:
  /// one that never returns keeps it for ever. Those that call on and on do not: from a second after the calls have
  /// ended (and where they nest too deep, as they run on the caller's thread after shutdown()), what a callback passes
  /// to Future::then() is destroyed instead of run, and the future that it gets has `shutting_down`; on_cast_error does
  /// not hear of casts that a callback makes; and a coroutine that has awaited a thousand refused calls since is left
  /// suspended, for its owner to destroy.
  void shutdown();

 private:
  class Impl;
  void release() noexcept;

  std::shared_ptr<Impl> impl_;
};

}  // namespace flame
