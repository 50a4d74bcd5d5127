// See plugin_finder.hpp.
#include "runner/plugins/plugin_finder.hpp"

#include <pthread.h>

#include <system_error>
#include <utility>

namespace flame::runner {

PluginFinder::~PluginFinder() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
    wanted_.clear();
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void PluginFinder::find(GenerationId id, Find find) {
  if (!thread_.joinable()) {
    try {
      thread_ = std::thread([this] { run(); });
      pthread_setname_np(thread_.native_handle(), "flame-finder");
    } catch (const std::system_error&) {
      return add(id, find());
    }
  }
  {
    const std::lock_guard lock(mutex_);
    wanted_.push_back({id, std::move(find)});
  }
  wake_.notify_one();
}

std::vector<PluginFinder::Found> PluginFinder::take() {
  found_one_.clear();
  const std::lock_guard lock(mutex_);
  return std::exchange(found_, {});
}

void PluginFinder::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return over_ || !wanted_.empty(); });
    if (over_) return;
    const Wanted wanted = std::move(wanted_.front());
    wanted_.pop_front();
    lock.unlock();
    add(wanted.id, wanted.find());
    lock.lock();
  }
}

void PluginFinder::add(GenerationId id, Result<StoredPlugin> file) {
  {
    const std::lock_guard lock(mutex_);
    found_.push_back({id, std::move(file)});
  }
  found_one_.signal();
}

}  // namespace flame::runner
