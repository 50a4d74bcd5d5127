// See plugin_choice.hpp.
#include "host/src/setup/plugin_choice.hpp"

#include <utility>

#include "plugin_sdk/base/make_error.hpp"

namespace flame::pool {

bool admits(const manifest::PluginReference& reference, const CatalogPlugin& plugin) {
  return reference.digest.empty() ? reference.matches(plugin.manifest.name, plugin.manifest.version)
                                  : reference.matches_digest(plugin.manifest.name, plugin.digest);
}

Result<void> PluginChoice::scan() {
  const auto installed = store_.installed();
  if (!installed) return installed.error();
  return catalog_->scan(*installed);
}

std::optional<Error> PluginChoice::refuse(const CatalogPlugin& plugin, Forced forced) const {
  if (auto refused = gate_.refuse(plugin, forced)) return refused;
  return forced == Forced::yes ? std::nullopt : store_.refuse(plugin.reference, plugin.digest);
}

std::optional<Error> PluginChoice::refuse(const CatalogPlugin& plugin, const PoolConfig& pool, Forced forced) const {
  if (auto refused = gate_.refuse(plugin, pool, forced)) return refused;
  return forced == Forced::yes ? std::nullopt : store_.refuse(plugin.reference, plugin.digest);
}

Result<Catalog::Choice> PluginChoice::choose(const manifest::PluginReference& reference, Forced forced) {
  return catalog_->choose(reference, [&](const CatalogPlugin& plugin) { return refuse(plugin, forced); });
}

Result<PluginChoice::Start> PluginChoice::start(const std::string& text, const std::string& pool,
                                                const PoolConfig& settings) {
  const auto reference = manifest::PluginReference::parse(text);
  if (!reference) return reference.error();
  Start start;
  if (!is_pinned(*reference)) {
    auto found = recorded(*reference, pool, settings);
    if (!found || found->active != nullptr) return found;
    start = *found;
  }
  const auto choice =
      catalog_->choose(*reference, [&](const CatalogPlugin& plugin) { return refuse(plugin, settings, Forced::no); });
  if (!choice) return choice.error();
  for (const Error& why : choice->passed_over) passed_over(pool, why);
  start.active = choice->plugin;
  return start;
}

// What the records say; of an `active` that is null, nothing that fits.
Result<PluginChoice::Start> PluginChoice::recorded(const manifest::PluginReference& reference, const std::string& pool,
                                                   const PoolConfig& settings) {
  const auto records = store_.records(reference.name, pool);
  if (!records) return records.error();
  for (const store::Record& record : *records) {
    const CatalogPlugin* const active = by_digest(reference.name, record.digest, settings);
    if (active == nullptr) continue;
    if (!admits(reference, *active)) {
      passed_over(pool,
                  base::make_error(ErrorCode::incompatible, active->reference + ", which is recorded as active in " +
                                                                record.scope.to_string() + ", is not what \"" +
                                                                reference.to_string() + "\" asks for"));
      continue;
    }
    const bool goes_back = !record.previous.empty() && record.previous != record.digest;
    return Start{active, goes_back ? by_digest(reference.name, record.previous, settings) : nullptr};
  }
  return Start{};
}

// Null: it is not there, or not admitted, which is logged.
const CatalogPlugin* PluginChoice::by_digest(const std::string& name, const std::string& digest,
                                             const PoolConfig& settings) {
  const manifest::PluginReference reference{.name = name, .major = {}, .minor = {}, .exact = {}, .digest = digest};
  const auto choice =
      catalog_->choose(reference, [&](const CatalogPlugin& plugin) { return refuse(plugin, settings, Forced::no); });
  if (choice) return choice->plugin;
  log_.warning("a plugin version that is recorded as active was passed over",
               {{"plugin", name}, {"digest", digest}, {"why", choice.error().message}});
  return nullptr;
}

void PluginChoice::passed_over(const std::string& pool, const Error& why) const {
  log_.warning("a plugin version was passed over", {{"pool", pool}, {"why", why.message}});
}

}  // namespace flame::pool
