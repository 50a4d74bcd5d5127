// The thread waits in the runner's wait_stop(), which end_wait_stop() ends.
#include "plugin_sdk/sdk/stop_watcher.hpp"

#include "plugin_sdk/base/signal_mask.hpp"

namespace flame::detail {

StopWatcher::StopWatcher(flame_call* call) : call_(call) {
  if (call_->api->stop_requested(call_) != 0) {
    source_.request_stop();
    return;
  }
  // Signals belong to the plugin's own threads: a handler of its must not run on the watcher.
  const base::SignalMaskScope blocked(base::all_but_faults());
  thread_ = std::thread([this] {
    if (call_->api->wait_stop(call_) != 0) source_.request_stop();
  });
}

StopWatcher::~StopWatcher() {
  if (thread_.joinable()) {
    call_->api->end_wait_stop(call_);
    thread_.join();
  }
}

}  // namespace flame::detail
