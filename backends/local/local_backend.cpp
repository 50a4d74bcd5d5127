// LocalBackend hands everything to its watcher thread.
#include "backends/local/local_backend.hpp"

#include <utility>

#include "backends/local/watcher.hpp"

namespace flame::backends {

LocalBackend::LocalBackend(LocalOptions options, LineSink log)
    : watcher_(std::make_unique<Watcher>(std::move(options), std::move(log))) {}
LocalBackend::~LocalBackend() = default;

void LocalBackend::on_exit(OnExit callback) {
  watcher_->on_exit(std::move(callback));
}
void LocalBackend::boot(BootRequest request, OnBoot done) {
  watcher_->boot(std::move(request), std::move(done));
}
void LocalBackend::destroy(const MachineId& id) {
  watcher_->destroy(id);
}
std::vector<Machine> LocalBackend::list() {
  return watcher_->list();
}

}  // namespace flame::backends
