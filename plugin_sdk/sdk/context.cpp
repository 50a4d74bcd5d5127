// Context and Parent: the C++ face of flame_call and its api.
#include <flame/context.hpp>

#include <mutex>
#include <string>

#include <flame_abi.h>

#include "plugin_sdk/sdk/process_parent.hpp"
#include "plugin_sdk/sdk/stop_watcher.hpp"

namespace flame {

// watcher_ is created lazily by any thread; a global lock, because a member would pull <mutex> into the public header.
static constinit std::mutex watcher_mutex;

Context::Context(flame_call* call) noexcept : call_(call) {}

Context::~Context() = default;

bool Context::stop_requested() const noexcept {
  return call_->api->stop_requested(call_) != 0;
}

std::stop_token Context::stop_token() {
  const std::lock_guard lock(watcher_mutex);
  if (watcher_ == nullptr) watcher_ = std::make_unique<detail::StopWatcher>(call_);
  return watcher_->token();
}

std::optional<std::chrono::steady_clock::time_point> Context::deadline() const noexcept {
  const std::int64_t remaining = call_->api->remaining_ns(call_);
  if (remaining < 0) return std::nullopt;
  return std::chrono::steady_clock::now() + std::chrono::nanoseconds(remaining);
}

void Context::log(LogLevel level, std::string_view text) noexcept {
  call_->api->log(call_, static_cast<std::int32_t>(level), text.data(), text.size());
}

void Context::progress(double fraction, std::string_view message) noexcept {
  call_->api->progress(call_, fraction, message.data(), message.size());
}

std::optional<Parent> Context::parent() const {
  return call_->parent == nullptr ? std::nullopt : std::optional(detail::to_parent(*call_->parent));
}

std::uint32_t Context::attempt() const noexcept {
  return call_->attempt;
}

std::optional<Parent> Parent::get() {
  return detail::process_parent();
}

}  // namespace flame
