// LocalBackend hands everything to its watcher thread.
#include "backends/local/local_backend.hpp"

#include <exception>
#include <utility>
#include <vector>

#include "backends/local/watcher.hpp"

namespace flame::backends {
namespace {

constexpr BackendTraits kTraits{.same_kernel = true,
                                .same_files = true,
                                .queues = false,
                                .ends_machines = false,
                                .proves_death = true,
                                .unique_names = false,
                                .lists = false};

}  // namespace

LocalBackend::LocalBackend(LocalOptions options, std::string name)
    : options_(std::move(options)), name_(std::move(name)) {}
LocalBackend::~LocalBackend() = default;

const BackendTraits& LocalBackend::traits() const {
  return kTraits;
}

void LocalBackend::open(BackendEvents& events) {
  events_ = &events;
  try {
    watcher_ = std::make_unique<Watcher>(options_, events);
  } catch (const std::exception& error) {
    cannot_start_ = {.error = {.code = ErrorCode::boot_failed,
                               .message = std::string("the local backend cannot start: ") + error.what() + "."}};
    events.opened(*cannot_start_);
  }
}

void LocalBackend::boot(BootRequest request) {
  if (watcher_ == nullptr) return events_->booted(request.name, *cannot_start_);
  watcher_->boot(std::move(request));
}

void LocalBackend::destroy(const MachineName& name, const MachineId&) {
  if (watcher_ == nullptr) return events_->destroyed(name, std::nullopt);
  watcher_->destroy(name);
}

void LocalBackend::list(std::uint64_t ticket, const Labels& scope) {
  if (watcher_ == nullptr) return events_->listed(ticket, std::vector<Machine>());
  watcher_->list(ticket, scope);
}

void LocalBackend::logs(std::uint64_t ticket, const Machine& machine, std::uint64_t bytes_max) {
  if (watcher_ == nullptr) return events_->logged(ticket, no_such_machine(machine.name));
  watcher_->logs(ticket, machine.name, bytes_max);
}

void LocalBackend::close(Duration within) {
  if (watcher_ == nullptr) return events_->closed();
  watcher_->close(within);
}

}  // namespace flame::backends
