// A host with real runners for the plugin of a topic, in its own temporary directory; what is left behind fails the
// test.
#pragma once

#include <functional>
#include <string>

#include <flame/host.hpp>

#include "tests/support/error_of.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/leftovers.hpp"

namespace flame::test {

class EdgeTest : public LeftoversTest {
 protected:
  /// One pool named "p" of one runner with two slots that serves the plugin "edge_TOPIC".
  static HostConfig config(const std::string& topic, const std::function<void(PoolConfig&)>& change = {}) {
    HostConfig config;
    config.plugin_path = {FLAME_TEST_PLUGINS};
    PoolConfig pool;
    pool.plugins = {"edge_" + topic + "@1"};
    pool.max = 1;
    pool.max_concurrency = 2;
    pool.shutdown_timeout = std::chrono::seconds(2);
    if (change) {
      change(pool);
    }
    config.pools["p"] = pool;
    OptionValue runner = std::string(FLAME_TEST_RUNNER);
    config.backends["local"].values["runner"] = Option{runner, {}};
    return config;
  }
};

}  // namespace flame::test
