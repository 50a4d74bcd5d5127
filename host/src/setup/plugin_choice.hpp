// Which build of a plugin a line takes: chosen from [plugins] path and store, by its reference, the store's records,
// and what the host runs at all.
#pragma once

#include <memory>
#include <string>

#include <flame/config.hpp>
#include <flame/result.hpp>

#include "host/src/plugins/catalog.hpp"
#include "host/src/setup/host_store.hpp"
#include "host/src/setup/plugin_gate.hpp"
#include "plugin_sdk/base/log.hpp"
#include "plugin_sdk/manifest/semver.hpp"

namespace flame::pool {

/// One thread at a time. `store` lives longer.
class PluginChoice {
 public:
  PluginChoice(std::shared_ptr<Catalog> catalog, PluginGate gate, HostStore& store, base::Logger log)
      : catalog_(std::move(catalog)), gate_(std::move(gate)), store_(store), log_(std::move(log)) {}

  /// Looks at path and store anew. Errors: Catalog::scan()'s, the store's.
  [[nodiscard]] Result<void> scan();

  /// What a line begins with. `previous`: what rollback() would go to; null: nothing.
  struct Start {
    const CatalogPlugin* active = nullptr;
    const CatalogPlugin* previous = nullptr;
  };
  /// The narrowest record whose digest is there, fits and is admitted; else the highest version. A reference in full,
  /// or by digest, takes no record. What is passed over is logged. Errors: Catalog::choose()'s, invalid_argument for
  /// what is no reference.
  [[nodiscard]] Result<Start> start(const std::string& reference, const std::string& pool, const PoolConfig& settings);

  /// The highest version that is admitted. Errors: Catalog::choose()'s, refuse()'s.
  [[nodiscard]] Result<Catalog::Choice> choose(const manifest::PluginReference& reference, Forced forced);
  /// Why this plugin is not taken for the runners of this pool; nullopt: it is.
  [[nodiscard]] std::optional<Error> refuse(const CatalogPlugin& plugin, const PoolConfig& pool, Forced forced) const;

 private:
  [[nodiscard]] std::optional<Error> refuse(const CatalogPlugin& plugin, Forced forced) const;
  [[nodiscard]] Result<Start> recorded(const manifest::PluginReference& reference, const std::string& pool,
                                       const PoolConfig& settings);
  [[nodiscard]] const CatalogPlugin* by_digest(const std::string& name, const std::string& digest,
                                               const PoolConfig& settings);
  void passed_over(const std::string& pool, const Error& why) const;

  std::shared_ptr<Catalog> catalog_;
  PluginGate gate_;
  HostStore& store_;
  base::Logger log_;
};

/// The reference admits the plugin.
[[nodiscard]] bool admits(const manifest::PluginReference& reference, const CatalogPlugin& plugin);
/// It is of one version, or of one digest.
[[nodiscard]] inline bool is_pinned(const manifest::PluginReference& reference) {
  return reference.exact.has_value() || !reference.digest.empty();
}

}  // namespace flame::pool
