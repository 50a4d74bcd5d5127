// [plugins] watch: what appears in a directory of [plugins] path is activated.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <flame/result.hpp>

#include "plugin_sdk/base/event_fd.hpp"
#include "plugin_sdk/base/log.hpp"
#include "plugin_sdk/base/unique_fd.hpp"

namespace flame::pool {

/// A thread with inotify. A file counts once it is complete: written and closed, or moved there. What is no plugin is
/// logged; so is what cannot be activated, but for a plugin that no pool has.
class PluginWatch {
 public:
  /// Activates "video@sha256:…": the build, so that the same version compiled anew counts, too. Called on the thread.
  using Activate = std::function<Result<void>(const std::string& reference)>;

  /// Directories that do not exist are logged and not watched. Error: boot_failed where the system gives no more
  /// watches, with the remedy.
  [[nodiscard]] static Result<std::unique_ptr<PluginWatch>> open(const std::vector<std::string>& directories,
                                                                 Activate activate, base::Logger log);
  /// Waits for a change that is under way: end those first.
  ~PluginWatch();
  PluginWatch(const PluginWatch&) = delete;
  PluginWatch& operator=(const PluginWatch&) = delete;

 private:
  PluginWatch(base::UniqueFd inotify, std::map<int, std::filesystem::path> directories, Activate activate,
              base::Logger log);

  void run();
  [[nodiscard]] bool read_events();
  void appeared(const std::filesystem::path& file);

  base::UniqueFd inotify_;
  std::map<int, std::filesystem::path> directories_;  // by watch
  Activate activate_;
  base::Logger log_;
  base::EventFd stop_;
  std::thread thread_;
};

}  // namespace flame::pool
