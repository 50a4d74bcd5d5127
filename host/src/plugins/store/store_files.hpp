// The directory of a store: how its files are read, and how each change of one is made whole or not at all.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <flame/result.hpp>

#include "host/src/plugins/store/file_system.hpp"
#include "host/src/plugins/store/layout.hpp"
#include "plugin_sdk/base/unique_fd.hpp"

namespace flame::store {

/// A file in staging/ that nobody else sees. Removed when this is destroyed, unless it was published.
class StagedFile {
 public:
  StagedFile(FileSystem& files, std::string path, base::UniqueFd fd);
  StagedFile(StagedFile&& other) noexcept;
  StagedFile& operator=(StagedFile&&) = delete;
  ~StagedFile();

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  /// It has another name now.
  [[nodiscard]] base::UniqueFd release() noexcept;

 private:
  FileSystem* files_;
  std::string path_;  // empty: released
  base::UniqueFd fd_;
};

/// Errors of all functions: disk_error()'s, and invalid_argument where the directory belongs to somebody else or others
/// may use it. Holds no state but names. `files` outlives it. [any thread]
class StoreFiles {
 public:
  StoreFiles(std::string root, FileSystem& files) : layout_(std::move(root)), files_(&files) {}

  [[nodiscard]] const Layout& layout() const noexcept { return layout_; }
  [[nodiscard]] FileSystem& system() const noexcept { return *files_; }

  /// Whether there is a store. Makes nothing.
  [[nodiscard]] Result<bool> exists() const;
  /// At most `limit` bytes; nullopt: there is no such file. Of a larger file one byte more.
  [[nodiscard]] Result<std::optional<std::string>> read(const std::string& path, std::size_t limit) const;
  /// Names in ascending order; none if there is no such directory.
  [[nodiscard]] Result<std::vector<std::string>> list(const std::string& directory) const;

  /// Makes the store if there is none, waits until nobody else changes it, which takes milliseconds, and sweeps away
  /// what the dead have left. As long as the descriptor is open nobody else changes anything.
  [[nodiscard]] Result<base::UniqueFd> lock() const;

  // Only under the lock:

  /// Readers see the file of before or the new one, also after a loss of power. Further error: too_large.
  [[nodiscard]] Result<void> replace(const std::string& path, std::string_view contents) const;
  /// The same of a file that lives no longer than this process: its lock is held from the moment when it can be seen,
  /// until the descriptor is closed. It does not outlast a loss of power, so nobody waits for the disk.
  [[nodiscard]] Result<base::UniqueFd> replace_locked(const std::string& path, std::string_view contents) const;
  /// A file that is not there is no error.
  [[nodiscard]] Result<void> erase(const std::string& path) const;
  [[nodiscard]] Result<void> make_directory(const std::string& path) const;
  /// Names in it outlast a loss of power: also those that somebody gave who died before he could do this.
  [[nodiscard]] Result<void> sync_directory(const std::string& path) const;
  /// A new, empty file that may be filled without the lock.
  [[nodiscard]] Result<StagedFile> stage() const;
  /// Gives a file that is filled its name. Readers see it whole, also after a loss of power.
  [[nodiscard]] Result<void> publish(StagedFile staged, const std::string& path, mode_t mode) const;

 private:
  [[nodiscard]] Result<void> make_root(const std::string& path) const;
  [[nodiscard]] Result<StagedFile> write_new(std::string_view contents) const;
  void sweep(const std::string& directory) const;

  Layout layout_;
  FileSystem* files_;
};

}  // namespace flame::store
