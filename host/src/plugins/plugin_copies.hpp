// The copies of plugins that runners of this machine load: made, kept open, made again.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <flame/result.hpp>

#include "host/src/plugins/catalog_plugin.hpp"
#include "plugin_sdk/base/hashed_files.hpp"
#include "plugin_sdk/base/unique_fd.hpp"

namespace flame::pool {

/// What the copies of plugins are for: runners of this machine load them, or, where their file system is mounted
/// noexec, load the files where they were found, whose digest they check.
enum class Copies : std::uint8_t { loaded, not_executable };

/// Each copy is kept open, so that one that somebody has cleaned away can be made again. Any thread; make() is for one
/// at a time.
class PluginCopies {
 public:
  /// So many builds that no pool serves keep their copies: what is rolled back to, or still runs somewhere. A host that
  /// is given a build a day would else fill its runtime directory, which may be memory.
  static constexpr std::size_t kSpareMax = 16;

  /// `directory`: made with the first copy; empty: no copies.
  PluginCopies(std::filesystem::path directory, Copies use) : directory_(std::move(directory)), use_(use) {}

  struct Made {
    std::string digest;
    std::filesystem::path plugin;
  };
  /// Copies a plugin while it is hashed, and the libraries that it finds beside it; the same bytes twice are one copy,
  /// and a file that has stayed as it was is not read again.
  /// Errors: invalid_argument (it or a library cannot be read, or is damaged), too_large, boot_failed (no room for the
  /// copy: names the directory and the remedy).
  [[nodiscard]] Result<Made> make(const std::filesystem::path& file);

  /// Makes copies of this plugin again that are no longer there; what trim() has taken comes from where it was found.
  /// Blocks while it copies, which is seldom: a stat(2) per file otherwise. Errors: the system's words,
  /// make_private()'s, make()'s, not_found (taken, and other bytes stand there now).
  [[nodiscard]] Result<void> restore(const CatalogPlugin& plugin);
  /// The same of all that are kept.
  [[nodiscard]] Result<void> restore_kept() const;
  /// Deletes copies of what is not `used` (digests) but the kSpareMax that were needed last. What a process has loaded
  /// stays loaded.
  void trim(std::span<const std::string> used);
  /// Where runners of this machine find the plugin.
  [[nodiscard]] std::string directory_of(const CatalogPlugin& plugin) const;

 private:
  struct Copy {
    std::filesystem::path path;
    base::UniqueFd file;
  };
  using CopiesOfOne = std::shared_ptr<const std::vector<Copy>>;  // the plugin's own is the first
  struct Kept {
    CopiesOfOne copies;
    std::uint64_t needed = 0;  // which need of any it was, the last time
  };
  [[nodiscard]] Result<std::vector<Copy>> copy_all(const std::filesystem::path& source, const std::string& digest,
                                                   const std::filesystem::path& part) const;
  /// Null: there are none. They are needed now.
  [[nodiscard]] CopiesOfOne need(std::string_view digest);
  [[nodiscard]] Result<void> put_back(const std::vector<Copy>& copies) const;

  std::filesystem::path directory_;
  Copies use_;
  mutable std::mutex mutex_;
  std::map<std::string, Kept, std::less<>> kept_;  // by digest
  std::uint64_t needs_ = 0;
  base::HashedFiles hashed_;
};

}  // namespace flame::pool
