// Tests of pools with real runners: a host with one pool of the plugin "pool_tasks".
#pragma once

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <flame/host.hpp>

#include "pool_tasks.hpp"
#include "tests/support/error_of.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/leftovers.hpp"
#include "tests/support/meddled_backend.hpp"
#include "tests/support/one_pool.hpp"
#include "tests/support/pool_events.hpp"
#include "tests/support/processes.hpp"

namespace flame::test {

class PoolTest : public LeftoversTest {
 protected:
  using Clock = std::chrono::steady_clock;

  /// One pool named "work" of one runner with one slot, and no spare ones.
  [[nodiscard]] static HostConfig config(const ChangePool& change = {}) {
    return one_pool("work", FLAME_FIXTURE_PLUGINS, {"pool_tasks@1"}, 1, [&](PoolConfig& pool) {
      pool.spare_slots = 0;
      if (change) change(pool);
    });
  }
  [[nodiscard]] static Host make_host(const ChangePool& change = {}) { return Host(config(change)); }
  /// On a backend of the test's own.
  [[nodiscard]] static Host make_host(std::shared_ptr<MeddledBackend> backend, const ChangePool& change = {}) {
    HostConfig with_backend = config(change);
    with_backend.pools["work"].backend = {"meddled"};
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

}  // namespace flame::test
