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

namespace flame::test {

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

  explicit MeddledBackend(Hooks hooks) : hooks_(std::move(hooks)) {
    backends::LocalOptions options;
    options.runner = FLAME_TEST_RUNNER;
    local_ = std::make_unique<backends::LocalBackend>(std::move(options), [](std::string_view) {});
  }

  [[nodiscard]] std::string name() const override { return "meddled"; }
  void on_exit(OnExit callback) override {
    if (hooks_.tells_exits) {
      local_->on_exit(std::move(callback));
    } else {
      local_->on_exit([](const MachineId&, const std::string&) {});
    }
  }
  void boot(BootRequest request, OnBoot done) override {
    {
      const std::lock_guard lock(mutex_);
      asked_.push_back(std::chrono::steady_clock::now());
      if (hooks_.holds_boots && !released_) {
        held_.emplace_back(std::move(request), std::move(done));
        return;
      }
    }
    boot_now(std::move(request), std::move(done));
  }
  void destroy(const MachineId& id) override {
    if (hooks_.destroys) local_->destroy(id);
  }
  [[nodiscard]] std::vector<Machine> list() override { return local_->list(); }

  /// Starts what was held, and holds no more.
  void release() {
    std::vector<std::pair<BootRequest, OnBoot>> held;
    {
      const std::lock_guard lock(mutex_);
      released_ = true;
      held.swap(held_);
    }
    for (auto& [request, done] : held) boot_now(std::move(request), std::move(done));
  }
  /// When each boot was asked for.
  [[nodiscard]] std::vector<std::chrono::steady_clock::time_point> asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
  }

 private:
  void boot_now(BootRequest request, OnBoot done) {
    if (hooks_.refuse) {
      if (auto failure = hooks_.refuse(request)) return done(BootOutcome(std::move(*failure)));
    }
    if (hooks_.change) hooks_.change(request);
    local_->boot(std::move(request), std::move(done));
  }

  const Hooks hooks_;
  std::unique_ptr<backends::LocalBackend> local_;
  mutable std::mutex mutex_;
  std::vector<std::chrono::steady_clock::time_point> asked_;
  std::vector<std::pair<BootRequest, OnBoot>> held_;
  bool released_ = false;
};

[[nodiscard]] inline BootFailure boot_failure(const std::string& message, bool permanent) {
  return {{.code = ErrorCode::boot_failed, .message = message}, permanent};
}

}  // namespace flame::test
