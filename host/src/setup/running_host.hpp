// Turns a configuration into the parts of a running host.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <flame/backend.hpp>
#include <flame/config.hpp>

#include "host/src/api/pool_front.hpp"
#include "host/src/calls/executor.hpp"
#include "host/src/calls/inbox.hpp"
#include "host/src/control/server.hpp"
#include "host/src/loop/loop.hpp"
#include "host/src/plugins/catalog.hpp"
#include "host/src/setup/plugin_changes.hpp"
#include "host/src/setup/plugin_choice.hpp"
#include "host/src/setup/plugin_watch.hpp"
#include "host/src/setup/runtime_dir.hpp"
#include "plugin_sdk/base/log.hpp"

namespace flame::pool {

/// Everything behind a Host, in the order in which it is made; torn down by shutdown().
class RunningHost {
 public:
  /// Throws CallError; see Host.
  RunningHost(HostConfig config, std::vector<std::shared_ptr<Backend>> backends);
  ~RunningHost();
  RunningHost(const RunningHost&) = delete;
  RunningHost& operator=(const RunningHost&) = delete;

  [[nodiscard]] const std::map<std::string, std::shared_ptr<detail::PoolFront>, std::less<>>& pools() const noexcept {
    return pools_;
  }
  /// Activation and rollback.
  [[nodiscard]] PluginChanges& changes() noexcept { return *changes_; }
  void shutdown();
  /// Makes again what somebody has removed of the runtime directory: it, and the copies of plugins in it, which living
  /// runners open, too, when a zygote or a slot is started anew; and the link to a control socket that is elsewhere
  /// (empty: none). Error: RuntimeDir::keep()'s or Catalog::restore()'s. One thread: with a control socket its own.
  [[nodiscard]] Result<void> keep_files(const std::string& control_socket = {});
  /// This is a fork of the process that made it.
  [[nodiscard]] bool forked() const noexcept { return inbox_->forked(); }

 private:
  void make_backends(std::vector<std::shared_ptr<Backend>> own);
  void make_pools();
  [[nodiscard]] std::vector<DigestId> start_lines(PluginChoice& choice, const std::string& pool);
  [[nodiscard]] std::optional<control::ControlSocket> open_control_socket() const;
  void start_loop();
  void watch_plugins();
  void link_control_socket(const std::string& path) const;
  void serve_control(control::ControlSocket socket);
  [[nodiscard]] Result<ActivateResult> change(const control::ChangeRequest& request);
  void drain_pools();

  HostConfig config_;
  std::string host_name_;
  base::Logger log_;
  std::mutex shutdown_mutex_;
  std::optional<RuntimeDir> runtime_dir_;
  std::shared_ptr<Executor> executor_;
  std::shared_ptr<Inbox> inbox_;
  std::shared_ptr<const Catalog> catalog_;
  std::vector<LineSpec> lines_;
  std::map<std::string, std::shared_ptr<Backend>> backends_;
  std::map<std::string, std::shared_ptr<detail::PoolFront>, std::less<>> pools_;
  std::unique_ptr<PluginChanges> changes_;
  std::unique_ptr<PluginWatch> watch_;
  std::unique_ptr<Loop> loop_;
  std::unique_ptr<control::ControlServer> control_;
};

}  // namespace flame::pool
