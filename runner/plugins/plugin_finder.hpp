// Finds plugins while calls go on: a large file takes long to read.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include <flame/result.hpp>

#include "plugin_sdk/base/event_fd.hpp"
#include "runner/plugins/plugin_store.hpp"
#include "runner/policy/slot_table.hpp"

namespace flame::runner {

/// One file after the other, on a thread that the first one starts. Its owner's thread only.
class PluginFinder {
 public:
  /// Called on the thread of the finder.
  using Find = std::function<Result<StoredPlugin>()>;
  struct Found {
    GenerationId id;
    Result<StoredPlugin> file;
  };

  PluginFinder() = default;
  /// Waits for the file that is being read, at most limits::kPluginBytesMax.
  ~PluginFinder();
  PluginFinder(const PluginFinder&) = delete;
  PluginFinder& operator=(const PluginFinder&) = delete;

  /// take() has the outcome once fd() is readable. Where the system gives no thread, it is found at once.
  void find(GenerationId id, Find find);
  [[nodiscard]] int fd() const noexcept { return found_one_.fd(); }
  /// What was found since the last call, in order.
  [[nodiscard]] std::vector<Found> take();

 private:
  struct Wanted {
    GenerationId id;
    Find find;
  };
  void run();
  void add(GenerationId id, Result<StoredPlugin> file);

  base::EventFd found_one_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Wanted> wanted_;
  std::vector<Found> found_;
  bool over_ = false;
  std::thread thread_;
};

}  // namespace flame::runner
