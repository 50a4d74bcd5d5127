// A real backend with a hand in it.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <flame/backend.hpp>

#include "backends/local/local_backend.hpp"
#include "tests/support/forwarded_events.hpp"

namespace flame::test {

[[nodiscard]] inline BootFailure boot_failure(const std::string& message, bool permanent) {
  return {.error = {.code = ErrorCode::boot_failed, .message = message},
          .remedy = permanent ? Remedy::permanent : Remedy::retry};
}

/// The local backend, named "meddled", whose boots and destructions a test can change. Hooks are set before the host
/// starts and called on its loop thread; everything else: any thread.
class MeddledBackend final : public Backend {
 public:
  struct Hooks {
    std::function<std::optional<BootFailure>(const BootRequest&)> refuse;  ///< a failure instead of a boot
    std::function<void(BootRequest&)> change;                              ///< what the runner is told
    bool holds_boots = false;                                              ///< until release()
    bool destroys = true;                                                  ///< false: as if the cloud were out of reach
    bool tells_exits = true;
  };

  explicit MeddledBackend(Hooks hooks) : hooks_(std::move(hooks)), events_(hooks_.tells_exits) {
    backends::LocalOptions options;
    options.runner = FLAME_TEST_RUNNER;
    local_ = std::make_unique<backends::LocalBackend>(std::move(options));
  }

  [[nodiscard]] std::string_view name() const override { return "meddled"; }
  [[nodiscard]] const BackendTraits& traits() const override { return local_->traits(); }
  void open(BackendEvents& events) override {
    events_.forward_to(events);
    local_->open(events_);
  }
  void boot(BootRequest request) override {
    {
      const std::lock_guard lock(mutex_);
      asked_.push_back(std::chrono::steady_clock::now());
      if (hooks_.holds_boots && !released_) {
        held_.push_back(std::move(request));
        return;
      }
    }
    boot_now(std::move(request));
  }
  void destroy(const MachineName& name, const MachineId& id) override {
    if (hooks_.destroys) return local_->destroy(name, id);
    events_.destroyed(name, Error{.code = ErrorCode::boot_failed, .message = "out of reach"});
  }
  void list(std::uint64_t ticket, const Labels& scope) override { local_->list(ticket, scope); }
  void logs(std::uint64_t ticket, const Machine& machine, std::uint64_t bytes_max) override {
    local_->logs(ticket, machine, bytes_max);
  }
  void close(Duration within) override {
    for (const BootRequest& request : take_held()) events_.booted(request.name, boot_failure("never released", false));
    local_->close(within);
  }

  /// Starts what was held, and holds no more.
  void release() {
    for (BootRequest& request : take_held()) boot_now(std::move(request));
  }
  /// When each boot was asked for.
  [[nodiscard]] std::vector<std::chrono::steady_clock::time_point> asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
  }

 private:
  class Passed final : public ForwardedEvents {
   public:
    explicit Passed(bool exits) : exits_(exits) {}
    void log(int /*level*/, std::string_view /*line*/) noexcept override {}
    void exited(const MachineName& name, MachineExit exit) noexcept override {
      if (exits_) to()->exited(name, std::move(exit));
    }

   private:
    const bool exits_;
  };

  std::vector<BootRequest> take_held() {
    const std::lock_guard lock(mutex_);
    released_ = true;
    return std::exchange(held_, {});
  }
  void boot_now(BootRequest request) {
    if (hooks_.refuse) {
      if (auto failure = hooks_.refuse(request)) return events_.booted(request.name, std::move(*failure));
    }
    if (hooks_.change) hooks_.change(request);
    local_->boot(std::move(request));
  }

  const Hooks hooks_;
  Passed events_;
  std::unique_ptr<backends::LocalBackend> local_;
  mutable std::mutex mutex_;
  std::vector<std::chrono::steady_clock::time_point> asked_;
  std::vector<BootRequest> held_;
  bool released_ = false;
};

}  // namespace flame::test
