// flame.toml → HostConfig: its tables and their keys.
#include <filesystem>
#include <utility>

#include <flame/config.hpp>

#include "host/src/config/backends_toml.hpp"
#include "host/src/config/config_check.hpp"
#include "host/src/config/config_reader.hpp"
#include "host/src/config/environment_toml.hpp"
#include "host/src/config/pool_keys.hpp"
#include "plugin_sdk/base/file.hpp"

namespace flame {

namespace {

using pool::ConfigReport;
using pool::ConfigTable;

constexpr std::size_t kConfigMax = 1024 * 1024;

std::string absolute_from(const std::filesystem::path& directory, const std::string& path) {
  return (directory / path).lexically_normal().string();
}

void read_liveness(const toml::table& table, Liveness& liveness, ConfigReport& report) {
  ConfigTable reader(table, "host.liveness", report);
  reader.read_duration("beat", liveness.beat);
  reader.read_duration("host_silence", liveness.host_silence);
  reader.read_duration("runner_silence", liveness.runner_silence);
  reader.read_duration("failsafe", liveness.failsafe);
  reader.refuse_the_rest();
}

void read_host(const toml::table& table, const std::filesystem::path& directory, HostConfig& config,
               ConfigReport& report) {
  ConfigTable host(table, "host", report);
  host.read("name", config.name);
  host.read("listen", config.listen);
  host.read("advertise", config.advertise);
  host.read_names("backend", config.backend);
  host.read("control", config.control);
  if (const toml::table* liveness = host.table("liveness")) read_liveness(*liveness, config.liveness, report);
  host.refuse_the_rest();
  const bool is_path = !config.control.empty() && config.control != "auto" && config.control != "off";
  if (is_path) config.control = absolute_from(directory, config.control);
}

bool is_key_text(const std::string& entry) {
  return entry.starts_with(kPublicKeyPrefix) || entry.starts_with(kSecretKeyPrefix);
}

void read_plugins(const toml::table& table, const std::filesystem::path& directory, HostConfig& config,
                  ConfigReport& report) {
  PluginsConfig& plugins = config.plugins;
  ConfigTable reader(table, "plugins", report);
  reader.read("path", config.plugin_path);
  reader.read("store", plugins.store);
  reader.read("trusted_keys", plugins.trusted_keys);
  reader.read("require_signature", plugins.require_signature);
  reader.read("revoked", plugins.revoked);
  reader.read("min_version", plugins.min_version);
  reader.read("watch", plugins.watch);
  reader.refuse_the_rest();
  for (std::string& path : config.plugin_path) path = absolute_from(directory, path);
  if (!plugins.store.empty() && plugins.store != "auto") plugins.store = absolute_from(directory, plugins.store);
  for (std::string& key : plugins.trusted_keys) {
    if (!key.empty() && !is_key_text(key)) key = absolute_from(directory, key);
  }
}

// Bounds are checked when all has been read.
class KeyReader {
 public:
  KeyReader(const toml::table& table, const std::string& path, const std::filesystem::path& directory,
            ConfigReport& report)
      : path_(path), directory_(directory), report_(report), reader_(table, path, report) {}

  template <class Value>
  void any(std::string_view key, Value& out) {
    reader_.read(key, out);
  }
  void names(std::string_view key, std::vector<std::string>& out) {
    reader_.read_names(key, out);
    const toml::array* list = reader_.raw()[key].as_array();
    if (list && list->empty())
      report_.add(list->source(), reader_.path_of(key) + " must name one; leave it out for that of [host]");
  }
  void number(std::string_view key, std::uint32_t& out, std::uint64_t, std::uint64_t) { reader_.read(key, out); }
  void size(std::string_view key, std::uint64_t& out, std::uint64_t, std::uint64_t) { reader_.read_size(key, out); }
  void duration(std::string_view key, Duration& out, pool::Infinite) { reader_.read_duration(key, out); }
  void time(std::string_view key, Duration& out) { reader_.read_duration(key, out); }
  template <class Enum>
  void choice(std::string_view key, const std::vector<std::string>& names, Enum& out) {
    reader_.read_choice(key, names, out);
  }
  void limits(LimitsConfig& out) {
    const toml::table* table = reader_.table("limits");
    if (table == nullptr) return;
    KeyReader inner(*table, path_ + ".limits", directory_, report_);
    pool::visit_limit_keys(out, inner);
    inner.refuse_the_rest();
  }
  void environment(std::string_view key, std::map<std::string, std::string>& plain,
                   std::map<std::string, Secret>& secret) {
    const toml::table* table = reader_.table(key);
    if (table) pool::read_environment(*table, reader_.path_of(key), directory_, plain, secret, report_);
  }
  void refuse_the_rest() { reader_.refuse_the_rest(); }

 private:
  const std::string path_;
  const std::filesystem::path& directory_;
  ConfigReport& report_;
  ConfigTable reader_;
};

PoolConfig read_pool(const toml::table& table, const std::string& path, const std::filesystem::path& directory,
                     ConfigReport& report) {
  PoolConfig config;
  KeyReader reader(table, path, directory, report);
  pool::visit_pool_keys(config, reader);
  reader.refuse_the_rest();
  return config;
}

void read_pools(const toml::table& table, const std::filesystem::path& directory, HostConfig& config,
                ConfigReport& report) {
  for (const auto& [key, value] : table) {
    const std::string name(key.str());
    const std::string path = "pools." + name;
    report.place(path, value.source());
    if (const toml::table* pool = value.as_table())
      config.pools.insert_or_assign(name, read_pool(*pool, path, directory, report));
    else
      report.add(value.source(), path + " must be a table, not " + pool::describe(value));
  }
}

HostConfig read_all(const toml::table& root, const std::string& file, ConfigReport& report) {
  const std::filesystem::path directory = std::filesystem::path(file).parent_path();
  HostConfig config;
  ConfigTable top(root, "", report);
  if (const toml::table* host = top.table("host")) read_host(*host, directory, config, report);
  if (const toml::table* plugins = top.table("plugins")) read_plugins(*plugins, directory, config, report);
  if (const toml::table* pools = top.table("pools")) read_pools(*pools, directory, config, report);
  if (const toml::table* backends = top.table("backends")) {
    for (const auto& [key, value] : *backends) pool::read_backend(key.str(), value, directory, config, report);
  }
  top.refuse_the_rest();
  for (const pool::Problem& problem : pool::problems_of(config)) report.add_at(problem.path, problem.what);
  return config;
}

}  // namespace

Result<HostConfig> parse_config(std::string_view toml_text, const std::string& file) {
  ConfigReport report(file);
  try {
    const toml::table root = toml::parse(toml_text, file);
    HostConfig config = read_all(root, file, report);
    config.places = report.places();
    if (report.empty()) return config;
  } catch (const toml::parse_error& error) {
    report.add(error.source(), "not valid TOML: " + std::string(error.description()));
  }
  return report.error();
}

Result<HostConfig> load_config(const std::string& file) {
  auto text = base::read_file(file, kConfigMax);
  if (!text) {
    Error error = std::move(text).error();
    error.code = ErrorCode::not_found;
    return error;
  }
  return parse_config(*text, file);
}

}  // namespace flame
