// Hosts to measure with.
#include <utility>

#include "tools/flame/bench/figures.hpp"

namespace flame::bench {

Host bench_host(const BenchOptions& options, const std::string& plugin, PoolConfig pool, const std::string& listen,
                const std::vector<std::string>& more) {
  HostConfig config;
  config.name = "bench";
  config.listen = {listen};
  config.control = "off";
  config.plugin_path = {options.plugins};
  config.plugin_path.insert(config.plugin_path.end(), more.begin(), more.end());
  pool.plugins = {plugin};
  pool.idle_shutdown_after = kForever;
  config.pools.emplace("main", std::move(pool));
  return Host(std::move(config));
}

std::vector<Measurement> all_measurements() {
  std::vector<Measurement> all;
  for (auto part : {raw_measurements(), call_measurements(), life_measurements(), swap_measurements(),
                    compile_measurements(), policy_measurements()}) {
    for (auto& measurement : part) all.push_back(std::move(measurement));
  }
  return all;
}

}  // namespace flame::bench
