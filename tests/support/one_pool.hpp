// The configuration of a host with one pool on the local backend.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <flame/config.hpp>

namespace flame::test {

using ChangePool = std::function<void(PoolConfig&)>;

/// The pool `name`: one runner of so many slots, which has two seconds to end, for `plugins` from `directory`. `change`
/// may set anything.
[[nodiscard]] inline HostConfig one_pool(const std::string& name, const std::string& directory,
                                         std::vector<std::string> plugins, std::uint32_t slots,
                                         const ChangePool& change = {}) {
  HostConfig config;
  config.plugin_path = {directory};
  config.backends["local"].values["runner"] = Option{OptionValue(std::string(FLAME_TEST_RUNNER)), {}};
  PoolConfig& pool = config.pools[name];
  pool.plugins = std::move(plugins);
  pool.max = 1;
  pool.max_concurrency = slots;
  pool.shutdown_timeout = std::chrono::seconds(2);
  if (change) change(pool);
  return config;
}

}  // namespace flame::test
