// Tests of pools with real runners: a host with one pool of the plugin "pool_tasks", and backends with a hand in them.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <flame/backend.hpp>
#include <flame/host.hpp>

#include "backends/local/local_backend.hpp"
#include "pool_tasks.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/leftovers.hpp"
#include "tests/support/processes.hpp"

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

/// The error that a call throws as CallError; code none if it throws nothing.
template <class F>
[[nodiscard]] Error error_of(F&& call) {
  try {
    static_cast<void>(std::forward<F>(call)());
  } catch (const CallError& error) {
    return error.error();
  }
  return {};
}

class PoolTest : public LeftoversTest {
 protected:
  using Clock = std::chrono::steady_clock;
  using Change = std::function<void(PoolConfig&)>;

  /// One pool named "work": max 1, one slot per runner, no spare slots, a shutdown_timeout of two seconds.
  [[nodiscard]] static HostConfig config(const Change& change = {}) {
    HostConfig config;
    config.plugin_path = {FLAME_FIXTURE_PLUGINS};
    PoolConfig pool;
    pool.plugins = {"pool_tasks@1"};
    pool.max = 1;
    pool.max_concurrency = 1;
    pool.spare_slots = 0;
    pool.shutdown_timeout = std::chrono::seconds(2);
    if (change) change(pool);
    config.pools["work"] = pool;
    config.backends["local"].values["runner"] = Option{OptionValue(std::string(FLAME_TEST_RUNNER)), {}};
    return config;
  }
  [[nodiscard]] static Host make_host(const Change& change = {}) { return Host(config(change)); }
  /// On a backend of the test's own.
  [[nodiscard]] static Host make_host(std::shared_ptr<MeddledBackend> backend, const Change& change = {}) {
    HostConfig with_backend = config(change);
    with_backend.pools["work"].backend = "meddled";
    return Host(std::move(with_backend), {std::move(backend)});
  }

  /// A file of the test: what pool_tasks creates goes there.
  [[nodiscard]] std::string file(const std::string& name) const { return files_ / name; }
  [[nodiscard]] bool exists(const std::string& name) const { return ::access(file(name).c_str(), F_OK) == 0; }
  [[nodiscard]] bool appears(const std::string& name) const {
    return eventually([&] { return exists(name); });
  }
  void go(const std::string& name) const { static_cast<void>(files_.write(name + ".go", "")); }
  [[nodiscard]] std::vector<std::string> lines_of(const std::string& name) const {
    std::ifstream in(file(name));
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
  }

  /// A call of hold() that has begun.
  [[nodiscard]] Future<std::string> begin(const Pool& pool, const std::string& name, CallOptions options = {}) const {
    auto future = pool.with(std::move(options)).async<pool_tasks::hold>(file(name));
    EXPECT_TRUE(appears(name + ".begun")) << name;
    return future;
  }

  [[nodiscard]] static bool has_runners(const Pool& pool, std::uint32_t count) {
    return eventually([&] { return pool.stats().runners == count; });
  }
  /// The process that owns a runner's slots, from the pid of one of them.
  [[nodiscard]] static pid_t supervisor_of(std::int64_t slot) { return parent_of(static_cast<pid_t>(slot)); }
  static void kill_runner_of(std::int64_t slot) {
    const pid_t supervisor = supervisor_of(slot);
    ASSERT_GT(supervisor, 1);
    ASSERT_EQ(::kill(supervisor, SIGKILL), 0);
  }

  TempDir files_;
};

/// What a pool told through its callbacks, in order.
class Events {
 public:
  explicit Events(Pool& pool) : shared_(std::make_shared<Shared>()) {
    pool.on_grow_start([shared = shared_](const GrowStart& e) { shared->add("start", e.count, e.runner, {}); });
    pool.on_grow_end([shared = shared_](const GrowEnd& e) {
      shared->add(e.ok ? "end" : "failed", e.count, e.runner, e.error.message);
    });
    pool.on_shrink([shared = shared_](const Shrink& e) { shared->add("shrink", e.count, e.runner, e.reason); });
  }
  struct Event {
    std::string kind;  // start, end, failed, shrink
    std::uint32_t count = 0;
    std::string runner;
    std::string text;
  };
  [[nodiscard]] std::vector<Event> all() const {
    const std::lock_guard lock(shared_->mutex);
    return shared_->events;
  }
  /// "start 1, end 1, shrink 0".
  [[nodiscard]] std::string text() const {
    std::string text;
    for (const Event& event : all()) {
      text += (text.empty() ? "" : ", ") + event.kind + " " + std::to_string(event.count);
    }
    return text;
  }
  [[nodiscard]] bool become(const std::string& expected) const {
    return eventually([&] { return text() == expected; });
  }

 private:
  struct Shared {
    void add(std::string kind, std::uint32_t count, std::string runner, std::string text) {
      const std::lock_guard lock(mutex);
      events.push_back({std::move(kind), count, std::move(runner), std::move(text)});
    }
    std::mutex mutex;
    std::vector<Event> events;
  };
  std::shared_ptr<Shared> shared_;
};

}  // namespace flame::test
