// Opening of a host for one pool.
#include "tools/flame/session.hpp"

#include <utility>
#include <vector>

#include "plugin_sdk/base/suggest.hpp"

namespace flame::cli {
namespace {

Error unknown_pool(const HostConfig& config, const std::string& config_path, const std::string& pool) {
  std::vector<std::string> names;
  std::string all;
  for (const auto& [name, ignored] : config.pools) {
    names.push_back(name);
    all += (all.empty() ? "" : ", ") + name;
  }
  return Error{.code = ErrorCode::not_found,
               .message = config_path + " has no pool \"" + pool + "\"" + base::did_you_mean(pool, names) +
                          " (pools: " + (all.empty() ? "none" : all) + ")."};
}

std::optional<Error> why_not_callable(const TaskInfo& task) {
  if (!task.method && !task.child) return std::nullopt;
  return Error{
      .code = ErrorCode::invalid_argument,
      .message = task.name +
                 (task.method ? " is a method of an object that lives on a runner" : " makes a long-lived object") +
                 ", which only a C++ host can hold. Call a plain task."};
}

}  // namespace

Result<HostConfig> load_one_pool(const std::string& config_path, const std::string& pool) {
  auto config = load_config(config_path);
  if (!config) {
    auto error = std::move(config).error();
    if (error.code == ErrorCode::not_found) {
      error.message += error.message.ends_with('.') ? "" : ".";
      error.message += " Name a configuration with --config FILE.";
    }
    return error;
  }
  const auto found = config->pools.find(pool);
  if (found == config->pools.end()) return unknown_pool(*config, config_path, pool);
  auto only = std::move(found->second);
  config->pools.clear();
  config->pools.emplace(pool, std::move(only));
  // A path of its own belongs to the program that the configuration was written for.
  if (config->control != "off") config->control = "auto";
  return config;
}

Result<std::unique_ptr<Session>> open_session(const std::string& config_path, const std::string& pool,
                                              const std::string& task) {
  auto config = load_one_pool(config_path, pool);
  if (!config) return std::move(config).error();
  const PoolConfig pool_config = config->pools.at(pool);
  try {
    Host host(std::move(*config));
    Pool handle = host.pool(pool);
    auto info = find_task(handle, task);
    if (!info) return std::move(info).error();
    if (auto error = why_not_callable(*info)) return std::move(*error);
    return std::make_unique<Session>(Session{pool_config, std::move(host), std::move(handle), std::move(*info)});
  } catch (const CallError& error) {
    return error.error();
  }
}

}  // namespace flame::cli
