// From the configuration's words to keys and rules.
#include "host/src/setup/plugin_gate.hpp"

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

Result<PluginGate> PluginGate::open(const HostConfig& config) {
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
  return gate;
}

std::optional<Error> PluginGate::refuse(const CatalogPlugin& plugin, Forced forced) const {
  const std::optional<Error> problem = unsigned_because(plugin);
  const PluginFacts facts{.name = plugin.manifest.name,
                          .version = plugin.manifest.version,
                          .digest = plugin.digest,
                          .unsigned_because = problem};
  return trust_.refuse(facts, forced);
}

std::optional<Error> PluginGate::refuse(const CatalogPlugin& plugin, const PoolConfig& pool, Forced forced) const {
  if (auto refused = refuse(plugin, forced)) return refused;
  return pool.backend == "local" ? manifest::check_cpu(plugin.manifest) : std::nullopt;
}

std::optional<Error> PluginGate::unsigned_because(const CatalogPlugin& plugin) const {
  if (trusted_.empty()) return Error{.code = ErrorCode::incompatible, .message = "no key is trusted"};
  std::optional<Error> problem;
  for (const auto& file : plugin.signature_files) {
    auto one = unsigned_because(plugin, file.string());
    if (!one) return std::nullopt;
    if (!problem) problem = std::move(one);
  }
  return problem;
}

std::optional<Error> PluginGate::unsigned_because(const CatalogPlugin& plugin, const std::string& file) const {
  const auto signature = read_signature(file);
  if (!signature) return signature.error();
  const SignedPlugin subject{.statement = {plugin.manifest.name, plugin.manifest.version.to_string(), plugin.digest},
                             .file = plugin.source.string(),
                             .signature_file = file,
                             .signature = *signature};
  const auto key = verify(subject, trusted_);
  return key ? std::nullopt : std::optional(key.error());
}

}  // namespace flame::pool
