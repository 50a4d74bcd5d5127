// What is impossible in a configuration, by option, so that the TOML reader can add the line.
#pragma once

#include <string>
#include <vector>

#include <flame/config.hpp>

namespace flame::pool {

/// One impossible option. `path`: "pools.ffmpeg.max"; `what`: "must be between 1 and 1000, not 0".
struct Problem {
  std::string path;
  std::string what;
};

[[nodiscard]] std::vector<Problem> problems_of(const HostConfig& config);
[[nodiscard]] std::vector<Problem> problems_of(const std::string& name, const PoolConfig& pool);

}  // namespace flame::pool
