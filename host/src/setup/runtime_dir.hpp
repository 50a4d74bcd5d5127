// The private directory of one host on this machine: sockets, a locked pid file, copies of plugins.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include <flame/result.hpp>

#include "plugin_sdk/base/unique_fd.hpp"

namespace flame::pool {

/// A 0700 directory that no other process uses, removed by the destructor, except in a fork of the process that made
/// it. The lock on its pid file lives as long as this object, so other hosts can tell a stale directory from one in
/// use; the lock on the directory itself is what systemd-tmpfiles respects when it cleans /tmp.
class RuntimeDir {
 public:
  /// In the first of $XDG_RUNTIME_DIR, /tmp and /var/tmp where files may be executed, else in the first that is
  /// writable. Removes stale directories of the same user first. Errors: boot_failed, naming the path and errno.
  [[nodiscard]] static Result<RuntimeDir> create();
  /// The same in the first of `bases` (tests).
  [[nodiscard]] static Result<RuntimeDir> create_in_first(const std::vector<std::filesystem::path>& bases);
  /// The same under `base` alone (tests).
  [[nodiscard]] static Result<RuntimeDir> create_in(const std::filesystem::path& base);

  RuntimeDir(RuntimeDir&& other) noexcept = default;
  RuntimeDir& operator=(RuntimeDir&&) = delete;
  ~RuntimeDir();

  /// Code in it can be loaded: its file system is not mounted noexec, and nothing else forbids it.
  [[nodiscard]] bool executable() const noexcept { return executable_; }
  /// Makes again what somebody has removed: itself, its pid file, the directory for plugins; and marks all as just used
  /// for those who clean by age. Error: make_private()'s. One thread.
  [[nodiscard]] Result<void> keep();

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  [[nodiscard]] std::filesystem::path plugins() const { return path_ / "plugins"; }
  [[nodiscard]] std::string control_endpoint() const { return "ipc://" + (path_ / "control.ipc").string(); }
  [[nodiscard]] std::string bulk_endpoint() const { return "ipc://" + (path_ / "bulk.ipc").string(); }
  /// Where clients look for the control socket: it, or a symbolic link to it.
  [[nodiscard]] std::string control_socket() const { return (path_ / "control.sock").string(); }

 private:
  RuntimeDir(std::filesystem::path path, base::UniqueFd lock);

  std::filesystem::path path_;
  base::UniqueFd lock_;       // of the pid file
  base::UniqueFd directory_;  // locked
  bool executable_ = false;
  pid_t maker_;
};

/// Removes directories that RuntimeDir made below `base` whose host is gone. Never touches one in use or foreign.
void remove_stale(const std::filesystem::path& base);

/// A host that runs on this machine, as its directory shows it.
struct LiveHost {
  pid_t pid = 0;
  uid_t user = 0;
  std::string control_socket;  ///< empty: it has none, or is about to open it
};

/// Hosts of this user, or of every user for root: in $XDG_RUNTIME_DIR, /tmp, /var/tmp and (root) /run/user/*. By pid.
/// What killed hosts have left is passed over.
[[nodiscard]] std::vector<LiveHost> live_hosts();
/// The same below `base`. `all_users`: not only this one's.
[[nodiscard]] std::vector<LiveHost> live_hosts_in(const std::filesystem::path& base, bool all_users);

}  // namespace flame::pool
