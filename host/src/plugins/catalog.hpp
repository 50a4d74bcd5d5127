// The plugins that a host has settled: chosen by reference, copied for runners, numbered.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <flame/result.hpp>

#include "host/src/plugins/catalog_plugin.hpp"
#include "host/src/plugins/found_plugins.hpp"
#include "host/src/plugins/plugin_copies.hpp"
#include "host/src/policy/types.hpp"

namespace flame::pool {

/// Grows while the host runs: what is settled once stays, though not its copy. scan(), choose() and resolve() are for
/// one thread at a time; all other functions for any thread at any time.
class Catalog {
 public:
  /// A host that is given a build every hour reaches it in half a year.
  static constexpr std::size_t kPluginsMax = 4096;

  /// nullopt: the plugin will do.
  using Judge = std::function<std::optional<Error>(const CatalogPlugin&)>;
  struct Choice {
    const CatalogPlugin* plugin = nullptr;
    std::vector<Error> passed_over;  ///< what the judge said of higher versions
  };

  /// `path`: see FoundPlugins. `runtime_dir`: the host's own directory, in which `plugins` is created. `use`: whether
  /// copies there can be loaded.
  Catalog(std::vector<std::filesystem::path> path, const std::filesystem::path& runtime_dir,
          Copies use = Copies::loaded);

  /// Of plugins that are settled already and have no copies: `known` by id.
  explicit Catalog(std::vector<CatalogPlugin> known);

  /// Reads the notes of all files on the path, and of what is in the store. Error: FoundPlugins::scan()'s.
  [[nodiscard]] Result<void> scan(std::span<const StoredPlugin> stored = {}) { return found_.scan(stored); }

  /// The highest version that the reference admits and `judge` takes, copied into the runtime directory while it is
  /// hashed. The same digest twice is the same plugin. Errors: invalid_argument (two files of that version with
  /// different bytes: both are named; the beginning of several digests; a file of the store that was changed), what
  /// the judge said if it took none, too_large (kPluginsMax), FoundPlugins::missing()'s, PluginCopies::make()'s.
  [[nodiscard]] Result<Choice> choose(const manifest::PluginReference& reference, const Judge& judge);
  /// The same by text, without a judge. Error besides: invalid_argument (no such syntax).
  [[nodiscard]] Result<const CatalogPlugin*> resolve(std::string_view reference);

  /// PluginCopies::restore() of all these. The first error.
  [[nodiscard]] Result<void> restore(std::span<const DigestId> plugins) const;
  [[nodiscard]] Result<void> restore_kept() const { return copies_.restore_kept(); }
  /// PluginCopies::trim() to what is used.
  void trim_copies(std::span<const DigestId> used) const;
  /// Where runners of this machine find these plugins.
  [[nodiscard]] std::vector<std::string> directories(std::span<const DigestId> plugins) const;

  [[nodiscard]] const CatalogPlugin& plugin(DigestId id) const;
  [[nodiscard]] std::optional<DigestId> find_digest(std::string_view digest) const;

 private:
  [[nodiscard]] Result<const CatalogPlugin*> settle(const std::string& reference,
                                                    const FoundPlugins::SameVersion& same);
  [[nodiscard]] Result<const CatalogPlugin*> settle(const FoundPlugin& found, const FoundPlugins::SameVersion& same);

  FoundPlugins found_;
  mutable PluginCopies copies_;  // a cache of bytes
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<const CatalogPlugin>> plugins_;
  std::map<std::string, DigestId, std::less<>> by_digest_;
};

}  // namespace flame::pool
