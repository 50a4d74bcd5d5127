// Catalog: choosing, settling and numbering plugins.
#include "host/src/plugins/catalog.hpp"

#include <algorithm>
#include <utility>

#include "plugin_sdk/base/assert.hpp"
#include "plugin_sdk/base/make_error.hpp"

namespace flame::pool {

namespace {

namespace fs = std::filesystem;

Error ambiguous(const std::string& reference, const CatalogPlugin& first, const fs::path& other) {
  return base::make_error(ErrorCode::invalid_argument, "\"" + reference + "\" is ambiguous: " + first.source.string() +
                                                           " and " + other.string() + " are both " + first.reference +
                                                           " with different contents; remove one, or give it another "
                                                           "version");
}

Error replaced(const fs::path& file) {
  return base::make_error(ErrorCode::invalid_argument,
                          "the plugin \"" + file.string() + "\" was replaced while it was read; try again");
}

Error changed(const fs::path& file) {
  return base::make_error(ErrorCode::invalid_argument,
                          "\"" + file.string() +
                              "\" has other bytes than its digest says. If it is a file of the "
                              "store, install the plugin again; else try again");
}

Error too_many() {
  return base::make_error(ErrorCode::too_large, "this host has used " + std::to_string(Catalog::kPluginsMax) +
                                                    " builds of plugins since it was started, which is its limit; "
                                                    "restart it");
}

}  // namespace

Catalog::Catalog(std::vector<fs::path> path, const fs::path& runtime_dir, Copies use)
    : found_(std::move(path)), copies_(runtime_dir / "plugins", use) {}

Catalog::Catalog(std::vector<CatalogPlugin> known) : found_({}), copies_({}, Copies::loaded) {
  for (CatalogPlugin& plugin : known) {
    FLAME_ASSERT(plugin.id == plugins_.size(), "plugins are numbered by position");
    by_digest_[plugin.digest] = plugin.id;
    plugins_.push_back(std::make_unique<CatalogPlugin>(std::move(plugin)));
  }
}

Result<const CatalogPlugin*> Catalog::resolve(std::string_view text) {
  const auto reference = manifest::PluginReference::parse(text);
  if (!reference) return reference.error();
  const auto choice = choose(*reference, [](const CatalogPlugin&) { return std::nullopt; });
  if (!choice) return choice.error();
  return choice->plugin;
}

Result<Catalog::Choice> Catalog::choose(const manifest::PluginReference& reference, const Judge& judge) {
  const auto versions = found_.matching(reference);
  if (!versions) return versions.error();
  Choice choice;
  for (const FoundPlugins::SameVersion& same : *versions) {
    const auto plugin = settle(reference.to_string(), same);
    if (!plugin) return plugin.error();
    auto problem = judge(**plugin);
    if (!problem) {
      choice.plugin = *plugin;
      return choice;
    }
    choice.passed_over.push_back(std::move(*problem));
  }
  return choice.passed_over.empty() ? found_.missing(reference) : choice.passed_over.front();
}

Result<const CatalogPlugin*> Catalog::settle(const std::string& reference, const FoundPlugins::SameVersion& same) {
  const CatalogPlugin* first = nullptr;
  for (const FoundPlugin* found : same) {
    const auto plugin = settle(*found, same);
    if (!plugin) return plugin;
    if (first != nullptr && *plugin != first) return ambiguous(reference, *first, found->file);
    first = *plugin;
  }
  return first;
}

Result<const CatalogPlugin*> Catalog::settle(const FoundPlugin& found, const FoundPlugins::SameVersion& same) {
  const auto copy = copies_.make(found.file);
  if (!copy) return copy.error();
  if (!found.digest.empty() && found.digest != copy->digest) return changed(found.file);
  if (const auto known = find_digest(copy->digest)) return &plugin(*known);
  // What was scanned may have been replaced since: only the bytes that were copied count.
  Result<manifest::Manifest> manifest = manifest::read(copy->plugin);
  if (!manifest || manifest->name != found.manifest.name || !(manifest->version == found.manifest.version)) {
    return replaced(found.file);
  }
  auto plugin = std::make_unique<CatalogPlugin>();
  plugin->digest = copy->digest;
  plugin->source = found.file;
  plugin->installed = copy->plugin;
  plugin->reference = manifest->name + "@" + manifest->version.to_string();
  plugin->manifest = std::move(*manifest);
  for (const FoundPlugin* one : same) plugin->signature_files.push_back(one->signature);
  const std::lock_guard lock(mutex_);
  if (plugins_.size() >= kPluginsMax) return too_many();
  plugin->id = static_cast<DigestId>(plugins_.size());
  by_digest_.emplace(plugin->digest, plugin->id);
  plugins_.push_back(std::move(plugin));
  return plugins_.back().get();
}

Result<void> Catalog::restore(std::span<const DigestId> plugins) const {
  for (const DigestId id : plugins) {
    if (auto restored = copies_.restore(plugin(id)); restored.has_error()) return restored;
  }
  return {};
}

void Catalog::trim_copies(std::span<const DigestId> used) const {
  std::vector<std::string> digests;
  for (const DigestId id : used) digests.push_back(plugin(id).digest);
  copies_.trim(digests);
}

std::vector<std::string> Catalog::directories(std::span<const DigestId> plugins) const {
  std::vector<std::string> directories;
  for (const DigestId id : plugins) {
    std::string directory = copies_.directory_of(plugin(id));
    if (std::ranges::find(directories, directory) == directories.end()) directories.push_back(std::move(directory));
  }
  return directories;
}

const CatalogPlugin& Catalog::plugin(DigestId id) const {
  const std::lock_guard lock(mutex_);
  FLAME_ASSERT(id < plugins_.size(), "ids come from this catalog");
  return *plugins_[id];
}

std::optional<DigestId> Catalog::find_digest(std::string_view digest) const {
  const std::lock_guard lock(mutex_);
  const auto known = by_digest_.find(digest);
  return known == by_digest_.end() ? std::nullopt : std::optional(known->second);
}

}  // namespace flame::pool
