// A host with the one pool that a command works with.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <flame/config.hpp>
#include <flame/dynamic.hpp>
#include <flame/host.hpp>

#include "tools/flame/json_codec.hpp"

namespace flame::cli {

/// Makes a host from `config_path` that has only `pool`: the others' runners are not booted. Errors: as load_config(),
/// not_found for the pool (with the nearest name), and what Host's constructor throws.
[[nodiscard]] Result<HostConfig> load_one_pool(const std::string& config_path, const std::string& pool);

/// A started host, its pool, and one task of it that can be called by name.
struct Session {
  PoolConfig config;
  Host host;
  Pool pool;
  TaskInfo task;
};

/// Errors as load_one_pool(), and not_found or invalid_argument for the task.
[[nodiscard]] Result<std::unique_ptr<Session>> open_session(const std::string& config_path, const std::string& pool,
                                                            const std::string& task);

}  // namespace flame::cli
