// The thread waits in the runner's wait_stop(), which end_wait_stop() ends.
#include "plugin_sdk/sdk/stop_watcher.hpp"

#include <csignal>

namespace flame::detail {
namespace {

// Signals belong to the plugin's own threads: a handler of its must not run on the watcher.
class AllSignalsBlocked {
 public:
  AllSignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~AllSignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  AllSignalsBlocked(const AllSignalsBlocked&) = delete;
  AllSignalsBlocked& operator=(const AllSignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

}  // namespace

StopWatcher::StopWatcher(flame_call* call) : call_(call) {
  if (call_->api->stop_requested(call_) != 0) {
    source_.request_stop();
    return;
  }
  const AllSignalsBlocked blocked;
  thread_ = std::thread([this] {
    if (call_->api->wait_stop(call_) != 0) {
      source_.request_stop();
    }
  });
}

StopWatcher::~StopWatcher() {
  if (thread_.joinable()) {
    call_->api->end_wait_stop(call_);
    thread_.join();
  }
}

}  // namespace flame::detail
