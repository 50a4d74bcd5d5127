// Whole files, private directories and lock files, with errors that name the path.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <flame/result.hpp>

#include "plugin_sdk/base/unique_fd.hpp"

namespace flame::base {

// Errors of all functions here: not_found when a path does not exist, too_large past a limit, else invalid_argument;
// the message is `cannot read "/a/b": Permission denied`. Descriptors are CLOEXEC. [any thread]

/// The bytes from the current position of `fd` to its end, at most `limit`. `name` stands in error messages.
[[nodiscard]] Result<std::string> read_all(int fd, std::size_t limit, std::string_view name);

/// The contents of a file of at most `limit` bytes.
[[nodiscard]] Result<std::string> read_file(const std::string& path, std::size_t limit);

/// Writes all bytes; continues after short writes and EINTR. errno of the failure, 0 on success.
[[nodiscard]] int write_all(int fd, std::span<const std::byte> bytes) noexcept;

/// Readers see the old contents or the new, never a part: writes `path`.<random>, syncs, renames.
[[nodiscard]] Result<void> write_file_atomically(const std::string& path, std::string_view contents,
                                                 mode_t mode = 0644);

/// Makes `parent`/`prefix`XXXXXX with mode 0700 and returns its path.
[[nodiscard]] Result<std::string> make_private_directory(const std::string& parent, std::string_view prefix);

/// Removes a file or a directory with all it holds; does not follow symbolic links; quiet about what is missing.
void remove_tree(const std::string& path) noexcept;

/// A memfd (CLOEXEC, sealed against any change) that holds `contents`, positioned at its start.
[[nodiscard]] Result<UniqueFd> sealed_memfd(const char* name, std::string_view contents);

/// An exclusive lock on a file that lasts as long as this object (and its descriptor: it is CLOEXEC).
class FileLock {
 public:
  /// Creates the file (0600) when it is missing. nullopt: somebody else holds the lock.
  [[nodiscard]] static Result<std::optional<FileLock>> try_lock(const std::string& path);

  /// Replaces the file's contents, for example by the owner's pid.
  [[nodiscard]] Result<void> write(std::string_view contents);

 private:
  FileLock(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
  UniqueFd fd_;
  std::string path_;
};

}  // namespace flame::base
