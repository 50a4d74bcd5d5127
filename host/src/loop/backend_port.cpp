// From a backend's threads to the loop's inbox.
#include "host/src/loop/backend_port.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

#include "plugin_sdk/base/boot_time.hpp"
#include "plugin_sdk/base/make_error.hpp"

namespace flame::pool {
namespace {

using Said = command::BackendSaid;

}  // namespace

BackendPort::BackendPort(std::uint32_t number, std::shared_ptr<Backend> backend, std::shared_ptr<Inbox> inbox,
                         base::Logger log)
    : number_(number),
      backend_(std::move(backend)),
      inbox_(std::move(inbox)),
      log_(std::move(log)),
      name_(backend_->name()) {}

bool BackendPort::is_closed() const {
  const std::lock_guard lock(mutex_);
  return !open_;
}

bool BackendPort::wait_closed(Instant deadline) const {
  const Duration most = base::remaining(deadline, base::boot_time());
  std::unique_lock lock(mutex_);
  return closed_.wait_for(lock, most, [this] { return !open_; });
}

template <class Call>
std::string BackendPort::guarded(const char* what, Call call) const {
  try {
    call();
    return {};
  } catch (const std::exception& error) {
    return "backend \"" + name_ + "\": its " + what + "() has thrown: " + error.what();
  } catch (...) {
    return "backend \"" + name_ + "\": its " + what + "() has thrown what is no std::exception";
  }
}

std::string BackendPort::open() {
  {
    const std::lock_guard lock(mutex_);
    open_ = true;
  }
  std::string thrown = guarded("open", [&] { backend_->open(*this); });
  if (!thrown.empty()) {
    const std::lock_guard lock(mutex_);
    open_ = false;  // nobody waits for its last word
  }
  return thrown;
}

std::string BackendPort::boot(BootRequest request) {
  return guarded("boot", [&] { backend_->boot(std::move(request)); });
}

std::string BackendPort::destroy(const MachineName& machine, const MachineId& id) {
  return guarded("destroy", [&] { backend_->destroy(machine, id); });
}

std::uint64_t BackendPort::list(const Labels& scope) {
  const std::uint64_t ticket = ++tickets_;
  const std::string thrown = guarded("list", [&] { backend_->list(ticket, scope); });
  if (!thrown.empty()) listed(ticket, base::make_error(ErrorCode::boot_failed, thrown));
  return ticket;
}

std::uint64_t BackendPort::logs(const Machine& machine, std::uint64_t bytes_max) {
  const std::uint64_t ticket = ++tickets_;
  const std::string thrown = guarded("logs", [&] { backend_->logs(ticket, machine, bytes_max); });
  if (!thrown.empty()) logged(ticket, base::make_error(ErrorCode::boot_failed, thrown));
  return ticket;
}

std::string BackendPort::close(Duration within) {
  return guarded("close", [&] { backend_->close(within); });
}

// Short of memory the event is lost: a boot has its timeout, and a death shows by silence.
template <class Make>
void BackendPort::push(Make make) noexcept {
  try {
    static_cast<void>(inbox_->push(Said{number_, std::make_unique<Said::What>(make())}));
  } catch (...) {
    write([&] { log_.error("short of memory: an event of a backend is lost", {{"backend", name_}}); });
  }
}

template <class Write>
void BackendPort::write(Write write) const noexcept {
  try {
    write();
  } catch (...) {
    // Nothing to say it with.
  }
}

void BackendPort::log(int level, std::string_view line) noexcept {
  const int known = std::clamp(level, 0, static_cast<int>(base::LogLevel::error));
  write([&] { log_.log(static_cast<base::LogLevel>(known), line); });
}

void BackendPort::opened(boost::system::result<EngineFacts, BootFailure> facts) noexcept {
  write([&] {
    if (facts.has_error()) {
      log_.error("a backend cannot boot machines", {{"backend", name_}, {"error", facts.error().error.message}});
    } else {
      log_.debug("backend opened", {{"backend", name_}, {"engine", facts->engine}, {"image", facts->image}});
    }
  });
  push([] { return Said::Opened{}; });
}

void BackendPort::phase(const MachineName& machine, BootPhase phase, std::string_view detail) noexcept {
  push([&] { return Said::Reached{machine, phase, std::string(detail)}; });
}

void BackendPort::ending(const MachineName& machine, Duration left, std::string_view why) noexcept {
  write([&] {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left).count();
    log_.warning("a machine is about to end",
                 {{"backend", name_}, {"machine", machine}, {"seconds", seconds}, {"why", why}});
  });
  push([&] { return Said::Ending{machine, left}; });
}

void BackendPort::booted(const MachineName& machine, BootOutcome outcome) noexcept {
  push([&] { return Said::Booted{machine, std::move(outcome)}; });
}

void BackendPort::exited(const MachineName& machine, MachineExit exit) noexcept {
  push([&] { return Said::Exited{machine, std::move(exit)}; });
}

void BackendPort::destroyed(const MachineName& machine, std::optional<Error> left) noexcept {
  push([&] { return Said::Destroyed{machine, std::move(left)}; });
}

void BackendPort::listed(std::uint64_t ticket, Result<std::vector<Machine>> machines) noexcept {
  push([&] { return Said::Listed{ticket, std::move(machines)}; });
}

void BackendPort::logged(std::uint64_t ticket, Result<std::string> text) noexcept {
  push([&] { return Said::Logged{ticket, std::move(text)}; });
}

// The loop that is woken may end this as soon as it finds it closed: not before the lock is let go.
void BackendPort::closed() noexcept {
  const std::lock_guard lock(mutex_);
  open_ = false;
  push([] { return Said::Closed{}; });
  closed_.notify_all();
}

}  // namespace flame::pool
