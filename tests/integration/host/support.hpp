// A host with real runners in its own temporary directory; anything left behind fails the test.
#pragma once

#include <functional>
#include <string>

#include <flame/host.hpp>

#include "tests/integration/host/tasks.hpp"
#include "tests/support/error_of.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/leftovers.hpp"

namespace flame::test {

class HostTest : public LeftoversTest {
 protected:
  /// One pool named "ffmpeg"; `change` may set anything.
  static HostConfig config(const std::function<void(PoolConfig&)>& change = {}) {
    HostConfig config;
    config.plugin_path = {FLAME_TEST_PLUGINS};
    PoolConfig pool;
    pool.plugins = {"host_tasks@1"};
    pool.max = 2;
    pool.max_concurrency = 4;
    pool.shutdown_timeout = std::chrono::seconds(2);
    if (change) {
      change(pool);
    }
    config.pools["ffmpeg"] = pool;
    OptionValue runner = std::string(FLAME_TEST_RUNNER);
    config.backends["local"].values["runner"] = Option{runner, {}};
    return config;
  }
};

}  // namespace flame::test
