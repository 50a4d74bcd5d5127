// The copies of plugins that runners of this machine load: made, kept open, made again.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <flame/result.hpp>

#include "host/src/plugins/catalog_plugin.hpp"
#include "plugin_sdk/base/unique_fd.hpp"

namespace flame::pool {

/// What the copies of plugins are for: runners of this machine load them, or, where their file system is mounted
/// noexec, load the files where they were found, whose digest they check.
enum class Copies : std::uint8_t { loaded, not_executable };

/// Each copy is kept open, so that one that somebody has cleaned away can be made again. Any thread; make() is for one
/// at a time.
class PluginCopies {
 public:
  /// `directory`: made with the first copy; empty: no copies.
  PluginCopies(std::filesystem::path directory, Copies use) : directory_(std::move(directory)), use_(use) {}

  struct Made {
    std::string digest;
    std::filesystem::path plugin;
  };
  /// Copies a plugin while it is hashed, and the libraries that it finds beside it; the same bytes twice are one copy.
  /// Errors: invalid_argument (it or a library cannot be read, or is damaged), too_large, boot_failed (no room for the
  /// copy: names the directory and the remedy).
  [[nodiscard]] Result<Made> make(const std::filesystem::path& file);

  /// Makes copies of this digest again that are no longer there. Blocks while it copies, which is seldom: a stat(2)
  /// per file otherwise. Error: the system's words, or make_private()'s.
  [[nodiscard]] Result<void> restore(std::string_view digest) const;
  /// Where runners of this machine find the plugin.
  [[nodiscard]] std::string directory_of(const CatalogPlugin& plugin) const;

 private:
  struct Copy {
    std::filesystem::path path;
    base::UniqueFd file;
  };
  [[nodiscard]] Result<std::vector<Copy>> copy_all(const std::filesystem::path& source, const std::string& digest,
                                                   const std::filesystem::path& part) const;
  [[nodiscard]] const std::vector<Copy>* copies_of(std::string_view digest) const;

  std::filesystem::path directory_;
  Copies use_;
  mutable std::mutex mutex_;
  std::map<std::string, const std::vector<Copy>, std::less<>> copies_;  // by digest; the plugin's own is the first
};

}  // namespace flame::pool
