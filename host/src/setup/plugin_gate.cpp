// From the configuration's words to keys and rules.
#include "host/src/setup/plugin_gate.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "host/src/config/config_place.hpp"
#include "host/src/plugins/key_file.hpp"
#include "plugin_sdk/manifest/cpu.hpp"

namespace flame::pool {

namespace {

PluginTrust::Rules rules_of(const PluginsConfig& plugins) {
  constexpr std::size_t kPrefix = std::string_view("sha256:").size();
  PluginTrust::Rules rules{.require_signature = plugins.require_signature, .revoked = {}, .min_version = {}};
  for (const std::string& digest : plugins.revoked) rules.revoked.insert(digest.substr(kPrefix));
  for (const auto& [name, version] : plugins.min_version)
    rules.min_version.emplace(name, manifest::Version::parse(version).value());
  return rules;
}

}  // namespace

Result<PluginGate> PluginGate::open(const HostConfig& config, std::set<std::string> here) {
  PluginGate gate;
  for (std::size_t i = 0; i < config.plugins.trusted_keys.size(); ++i) {
    Result<PublicKey> key = trusted_key(config.plugins.trusted_keys[i]);
    if (!key) {
      Error error = key.error();
      const std::string path = "plugins.trusted_keys[" + std::to_string(i) + "]";
      error.message = at(nearest(config.places, path)) + path + ": " + error.message;
      return error;
    }
    gate.trusted_.push_back(std::move(*key));
  }
  gate.trust_ = PluginTrust(rules_of(config.plugins));
  gate.here_ = std::move(here);
  return gate;
}

std::optional<Error> PluginGate::refuse(const CatalogPlugin& plugin, Forced forced) const {
  const Statement statement{plugin.manifest.name, plugin.manifest.version.to_string(), plugin.digest};
  return judge(statement, unsigned_because(plugin, statement), forced);
}

std::optional<Error> PluginGate::refuse(const CatalogPlugin& plugin, const PoolConfig& pool, Forced forced) const {
  if (auto refused = refuse(plugin, forced)) return refused;
  const bool here = std::ranges::any_of(pool.backend, [&](const auto& name) { return here_.contains(name); });
  return here ? manifest::check_cpu(plugin.manifest) : std::nullopt;
}

std::optional<Error> PluginGate::refuse(const SignedPlugin& plugin) const {
  return judge(plugin.statement, unsigned_because(plugin), Forced::no);
}

std::optional<Error> PluginGate::judge(const Statement& statement, const std::optional<Error>& unsigned_why,
                                       Forced forced) const {
  const manifest::Version version = manifest::Version::parse(statement.version).value();
  return trust_.refuse(
      {.name = statement.name, .version = version, .digest = statement.digest, .unsigned_because = unsigned_why},
      forced);
}

std::optional<Error> PluginGate::unsigned_because(const SignedPlugin& plugin) const {
  if (trusted_.empty()) return Error{.code = ErrorCode::incompatible, .message = "no key is trusted"};
  const auto key = verify(plugin, trusted_);
  return key ? std::nullopt : std::optional(key.error());
}

// Of several places the first one's reason counts.
std::optional<Error> PluginGate::unsigned_because(const CatalogPlugin& plugin, const Statement& statement) const {
  std::optional<Error> problem;
  for (const auto& file : plugin.signature_files) {
    const auto signature =
        trusted_.empty() ? Result<std::optional<std::string>>(std::nullopt) : read_signature(file.string());
    auto one = signature ? unsigned_because({.statement = statement,
                                             .file = plugin.source.string(),
                                             .signature_file = file.string(),
                                             .signature = *signature})
                         : signature.error();
    if (!one) return std::nullopt;
    if (!problem) problem = std::move(one);
  }
  return problem;
}

}  // namespace flame::pool
