// flame check: is this configuration right, and are its plugins there?
#include <fmt/ranges.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <set>
#include <utility>

#include <flame/backend.hpp>
#include <flame/config.hpp>

#include "host/src/config/config_place.hpp"
#include "host/src/plugins/catalog.hpp"
#include "host/src/setup/backend_set.hpp"
#include "host/src/setup/host_identity.hpp"
#include "host/src/setup/host_store.hpp"
#include "host/src/setup/plugin_choice.hpp"
#include "host/src/setup/plugin_gate.hpp"
#include "host/src/setup/secrets_check.hpp"
#include "plugin_sdk/base/file.hpp"
#include "plugin_sdk/base/log.hpp"
#include "tools/flame/command.hpp"
#include "tools/flame/plugin_place.hpp"
#include "tools/flame/report.hpp"

namespace flame::cli {
namespace {

struct CheckOptions {
  std::string config;
  bool json = false;
};

constexpr const char* kCheckExamples =
    R"(Reads the configuration, checks every key and value, finds the plugins and checks the options of the backends.
Starts nothing.

Examples:
  flame check flame.toml
  flame check --json /etc/thumbs/flame.toml | jq .result.pools)";

std::string lines(const std::vector<std::string>& problems) {
  std::string text;
  for (const auto& problem : problems) text += (text.empty() ? "" : "\n") + problem;
  return text;
}

// As a start does; the pools have their backends by name then. Says which of these are on this machine.
std::set<std::string> check_backends(HostConfig& config, std::vector<std::string>& problems) {
  const char* const variable = std::getenv(pool::kBackendVariable);
  pool::BackendSet set = pool::make_backends(
      config, {.own = {},
               .factories = default_backends(),
               .environment = {.name = {}, .host_name = pool::host_name(config), .runtime_dir = "/tmp"},
               .variable = variable == nullptr ? "" : variable});
  for (auto& problem : set.problems) problems.push_back(std::move(problem.message));
  for (auto& [name, names] : set.of_pool) config.pools.at(name).backend = std::move(names);
  return pool::on_this_kernel(set.made);
}

Json describe_plugin(const pool::CatalogPlugin& plugin) {
  return {{"name", plugin.manifest.name},
          {"version", plugin.manifest.version.to_string()},
          {"digest", plugin.digest},
          {"file", plugin.source.string()},
          {"tasks", plugin.manifest.tasks.size()}};
}

Json describe_pool(const HostConfig& config, const std::string& name, pool::PluginChoice& choice,
                   std::vector<std::string>& problems) {
  const PoolConfig& pool = config.pools.at(name);
  Json plugins = Json::array();
  for (std::size_t i = 0; i < pool.plugins.size(); ++i) {
    const auto start = choice.start(pool.plugins[i], name, pool);
    if (start) {
      plugins.push_back(describe_plugin(*start->active));
    } else {
      problems.push_back(pool::plugin_error(config, name, i, start.error()).message);
    }
  }
  return {{"backend", pool.backend},
          {"min", pool.min},
          {"max", pool.max},
          {"max_concurrency", pool.max_concurrency},
          {"plugins", std::move(plugins)}};
}

// The catalog copies what it resolves, as the host does; the copies go away with this.
class Scratch {
 public:
  explicit Scratch(std::string path) : path_(std::move(path)) {}
  ~Scratch() { base::remove_tree(path_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

Result<Json> describe_pools(const HostConfig& config, std::set<std::string> here, std::vector<std::string>& problems) {
  auto directory = base::make_private_directory(std::filesystem::temp_directory_path().string(), "flame-check-");
  if (!directory) return std::move(directory).error();
  const Scratch scratch(std::move(*directory));
  const auto gate = pool::PluginGate::open(config, std::move(here));
  if (!gate) return gate.error();
  const base::Logger log(base::stderr_sink("flame"), base::LogLevel::warning);
  const auto place = place_of(config.plugins.store);
  pool::HostStore store(place ? *place : std::filesystem::path(), config.name, log);
  pool::PluginChoice choice(
      std::make_shared<pool::Catalog>(
          std::vector<std::filesystem::path>(config.plugin_path.begin(), config.plugin_path.end()), scratch.path()),
      *gate, store, log);
  if (auto scanned = choice.scan(); !scanned) return std::move(scanned).error();
  Json pools = Json::object();
  for (const auto& [name, ignored] : config.pools) pools[name] = describe_pool(config, name, choice, problems);
  return pools;
}

std::string for_people(const Json& pools) {
  std::string text;
  for (const auto& [name, pool] : pools.items()) {
    text += fmt::format("pool {}: {} to {} runners of backend {}, {} calls at once on each\n", name, pool["min"].dump(),
                        pool["max"].dump(), fmt::join(pool["backend"].get<std::vector<std::string>>(), ", "),
                        pool["max_concurrency"].dump());
    for (const auto& plugin : pool["plugins"]) {
      text +=
          fmt::format("  {}@{}  {}  ({} tasks)\n", plugin["name"].get<std::string>(),
                      plugin["version"].get<std::string>(), plugin["file"].get<std::string>(), plugin["tasks"].dump());
    }
  }
  return text;
}

int run_check(const CheckOptions& options) {
  auto config = load_config(options.config);
  if (!config) {
    print_error(config.error(), options.json);
    return kUsage;
  }
  std::vector<std::string> problems;
  std::set<std::string> here = check_backends(*config, problems);
  for (auto& problem : pool::check_secrets(*config)) problems.push_back(std::move(problem.message));
  const auto pools = describe_pools(*config, std::move(here), problems);
  if (!pools) problems.push_back(options.config + ": " + pools.error().message);
  if (!problems.empty()) {
    print_error(usage_error(lines(problems)), options.json);
    return kUsage;
  }
  const Terminal out(STDOUT_FILENO);
  out.write(options.json ? json_line(success({{"pools", *pools}}))
                         : for_people(*pools) + out.styled(Style::green, options.config + " is right") + "\n");
  return kOk;
}

}  // namespace

void add_check(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<CheckOptions>();
  auto* command = app.add_subcommand("check", "Check a configuration file");
  command->add_option("CONFIG", options->config, "configuration file")->required();
  command->add_flag("--json", options->json, "outcome as JSON on standard output");
  command->footer(kCheckExamples);
  command->callback([options, &exit_code] { exit_code = run_check(*options); });
}

}  // namespace flame::cli
