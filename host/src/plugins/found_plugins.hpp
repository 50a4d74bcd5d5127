// The plugin files that a host may take: those of [plugins] path and of the store, by what their notes say.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <flame/result.hpp>

#include "plugin_sdk/manifest/manifest.hpp"
#include "plugin_sdk/manifest/semver.hpp"

namespace flame::pool {

/// A plugin that is installed in a store.
struct StoredPlugin {
  std::filesystem::path file;
  std::string digest;
  std::filesystem::path signature;  ///< where its signature is if there is one
  bool replaced = false;            ///< another build of its version is installed: only its digest names it
};

struct FoundPlugin {
  std::filesystem::path file;
  manifest::Manifest manifest;
  std::string digest;  ///< the store's word for it, or what it was hashed to; empty: not hashed yet
  std::filesystem::path signature;
  bool replaced = false;  ///< as in StoredPlugin
};

/// Reads notes, runs nothing. Not for two threads at once.
class FoundPlugins {
 public:
  /// `path`: directories of [plugins] path, searched for *.so, not recursively; ones that do not exist are skipped.
  explicit FoundPlugins(std::vector<std::filesystem::path> path) : path_(std::move(path)) {}

  /// Forgets what was found before. A file that is no plugin is only remembered with its reason: missing() names it
  /// when its file name or the name in its note matches. Error: invalid_argument for a directory that cannot be read.
  [[nodiscard]] Result<void> scan(std::span<const StoredPlugin> stored);

  /// Files of one version; never empty. Valid until scan().
  using SameVersion = std::vector<const FoundPlugin*>;
  /// What the reference admits, the highest version first. By digest: files are hashed; all are one version. Errors:
  /// invalid_argument for the beginning of several digests (all are named).
  [[nodiscard]] Result<std::vector<SameVersion>> matching(const manifest::PluginReference& reference);
  /// Why nothing matches: incompatible (no ELF file, no note, other ABI, other sanitizer: names the file and the
  /// remedy), else not_found (lists what exists, suggests the nearest).
  [[nodiscard]] Error missing(const manifest::PluginReference& reference) const;

 private:
  struct Refused {
    std::filesystem::path file;
    std::string name;  // from its note; empty if that could not be read
    Error error;
  };

  void examine(FoundPlugin found);
  [[nodiscard]] Result<std::vector<SameVersion>> by_digest(const manifest::PluginReference& reference);

  std::vector<std::filesystem::path> path_;
  std::vector<FoundPlugin> found_;
  std::vector<Refused> refused_;
};

}  // namespace flame::pool
