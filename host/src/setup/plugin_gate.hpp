// What [plugins] says about which plugins may run, applied to files: reads keys and signatures, and lets the rules
// judge.
#pragma once

#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include <flame/config.hpp>
#include <flame/result.hpp>

#include "host/src/plugins/catalog.hpp"
#include "host/src/plugins/signature.hpp"
#include "host/src/policy/plugin_trust.hpp"

namespace flame::pool {

/// Immutable after open(); any thread.
class PluginGate {
 public:
  /// Reads the trusted keys. `config` has passed check_config(). `here`: backends whose runners are on this machine,
  /// on_this_kernel()'s; without them no CPU is looked at. Errors: trusted_key()'s, with the place of the entry in the
  /// configuration.
  [[nodiscard]] static Result<PluginGate> open(const HostConfig& config, std::set<std::string> here = {});

  /// nullopt: `plugin` may run. Else PluginTrust::refuse()'s error. Reads the plugin's signature_files, if a key is
  /// trusted; they are for the plugin's own bytes, not for libraries beside it.
  [[nodiscard]] std::optional<Error> refuse(const CatalogPlugin& plugin, Forced forced = Forced::no) const;
  /// The same for the runners of `pool`; also manifest::check_cpu()'s error if some of them run on this machine:
  /// others' CPUs are their runners' to judge.
  [[nodiscard]] std::optional<Error> refuse(const CatalogPlugin& plugin, const PoolConfig& pool,
                                            Forced forced = Forced::no) const;
  /// The same of a file whose signature was read already. Looks at no CPU: nobody knows yet where it will run.
  [[nodiscard]] std::optional<Error> refuse(const SignedPlugin& plugin) const;

  /// The keys of [plugins] trusted_keys, in their order.
  [[nodiscard]] std::span<const PublicKey> trusted() const noexcept { return trusted_; }

 private:
  [[nodiscard]] std::optional<Error> judge(const Statement& statement, const std::optional<Error>& unsigned_why,
                                           Forced forced) const;
  [[nodiscard]] std::optional<Error> unsigned_because(const SignedPlugin& plugin) const;
  [[nodiscard]] std::optional<Error> unsigned_because(const CatalogPlugin& plugin, const Statement& statement) const;

  std::vector<PublicKey> trusted_;
  PluginTrust trust_;
  std::set<std::string> here_;
};

}  // namespace flame::pool
