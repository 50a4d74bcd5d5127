// Waiting for what a backend says.
#include "tools/flame/opened_backend.hpp"

#include <algorithm>
#include <utility>

#include "plugin_sdk/base/make_error.hpp"

namespace flame::cli {

template <class Ready>
std::optional<Error> OpenedBackend::wait(Ready ready) {
  std::unique_lock lock(mutex_);
  if (changed_.wait_for(lock, patience_.stop, patience_.answer_max, ready)) return std::nullopt;
  if (patience_.stop.stop_requested())
    return base::make_error(ErrorCode::cancelled, "interrupted before backend \"" + std::string(backend_->name()) +
                                                      "\" had answered: what it was asked for may still happen");
  return base::make_error(ErrorCode::timed_out, "backend \"" + std::string(backend_->name()) +
                                                    "\" does not answer: see whether its engine is up");
}

bool OpenedBackend::wait_closed(Duration most) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, most, [this] { return closed_; });
}

Result<std::vector<Machine>> OpenedBackend::list(const Labels& scope) {
  if (auto late = wait([this] { return opened_; })) return std::move(*late);
  const std::uint64_t ticket = ++tickets_;
  backend_->list(ticket, scope);
  if (auto late = wait([this, ticket] { return lists_.contains(ticket); })) return std::move(*late);
  const std::lock_guard lock(mutex_);
  return std::move(lists_.extract(ticket).mapped());
}

Result<std::string> OpenedBackend::log(const Machine& machine, std::uint64_t bytes_max) {
  if (auto late = wait([this] { return opened_; })) return std::move(*late);
  const std::uint64_t ticket = ++tickets_;
  backend_->logs(ticket, machine, bytes_max);
  if (auto late = wait([this, ticket] { return logs_.contains(ticket); })) return std::move(*late);
  const std::lock_guard lock(mutex_);
  return std::move(logs_.extract(ticket).mapped());
}

Result<void> OpenedBackend::destroy(const MachineName& name, const MachineId& id) {
  if (auto late = wait([this] { return opened_; })) return std::move(*late);
  backend_->destroy(name, id);
  if (auto late = wait([this, &name] { return destroyed_.contains(name); })) return std::move(*late);
  const std::lock_guard lock(mutex_);
  if (auto left = std::move(destroyed_.extract(name).mapped())) return std::move(*left);
  return {};
}

void OpenedBackend::log(int level, std::string_view line) noexcept {
  const int known = std::clamp(level, 0, static_cast<int>(base::LogLevel::error));
  log_.log(static_cast<base::LogLevel>(known), line);
}

// One that found no engine answers each list with what is wrong.
void OpenedBackend::opened(boost::system::result<EngineFacts, BootFailure>) noexcept {
  const std::lock_guard lock(mutex_);
  opened_ = true;
  changed_.notify_all();
}

void OpenedBackend::destroyed(const MachineName& name, std::optional<Error> left) noexcept {
  const std::lock_guard lock(mutex_);
  destroyed_[name] = std::move(left);
  changed_.notify_all();
}

void OpenedBackend::listed(std::uint64_t ticket, Result<std::vector<Machine>> machines) noexcept {
  const std::lock_guard lock(mutex_);
  lists_.insert_or_assign(ticket, std::move(machines));
  changed_.notify_all();
}

void OpenedBackend::logged(std::uint64_t ticket, Result<std::string> text) noexcept {
  const std::lock_guard lock(mutex_);
  logs_.insert_or_assign(ticket, std::move(text));
  changed_.notify_all();
}

// Under the lock to the end: who waits for it ends this.
void OpenedBackend::closed() noexcept {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

}  // namespace flame::cli
