// The operations on files that the store is made of: the one seam between it and the disk.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "plugin_sdk/base/unique_fd.hpp"

namespace flame::store {

/// `fd` holds none when `error` is not 0.
struct Opened {
  base::UniqueFd fd;
  int error = 0;
};

/// Bytes that were read; 0 at the end of the file, and when `error` is not 0.
struct Got {
  std::size_t bytes = 0;
  int error = 0;
};

/// flock(2): waits until nobody else has the lock; fails with EWOULDBLOCK while somebody has it; shared likewise.
enum class Lock : std::uint8_t { wait_alone, try_alone, try_shared };

/// Every int that is returned is an errno; 0: done. Interrupted calls go on. [any thread]
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  /// open(2). Descriptors are always CLOEXEC.
  [[nodiscard]] virtual Opened open(const std::string& path, int flags, mode_t mode) = 0;
  [[nodiscard]] virtual int status(int fd, struct stat& status) = 0;
  /// From the file's own position.
  [[nodiscard]] virtual Got read(int fd, std::span<std::byte> into) = 0;
  /// All of `bytes`, or an error.
  [[nodiscard]] virtual int write(int fd, std::span<const std::byte> bytes) = 0;
  [[nodiscard]] virtual int set_mode(int fd, mode_t mode) = 0;
  /// fsync(2) of a file or a directory.
  [[nodiscard]] virtual int sync(int fd) = 0;
  /// Lasts until the descriptor is closed.
  [[nodiscard]] virtual int lock(int fd, Lock how) = 0;
  /// Mode 0700.
  [[nodiscard]] virtual int make_directory(const std::string& path) = 0;
  [[nodiscard]] virtual int rename(const std::string& from, const std::string& to) = 0;
  [[nodiscard]] virtual int unlink(const std::string& path) = 0;
  /// Names in a directory without "." and "..", in no order.
  [[nodiscard]] virtual int list(const std::string& directory, std::vector<std::string>& names) = 0;
  /// Whom files that are made belong to.
  [[nodiscard]] virtual uid_t user() const = 0;
};

/// The system calls.
class SystemFiles final : public FileSystem {
 public:
  [[nodiscard]] Opened open(const std::string& path, int flags, mode_t mode) override;
  [[nodiscard]] int status(int fd, struct stat& status) override;
  [[nodiscard]] Got read(int fd, std::span<std::byte> into) override;
  [[nodiscard]] int write(int fd, std::span<const std::byte> bytes) override;
  [[nodiscard]] int set_mode(int fd, mode_t mode) override;
  [[nodiscard]] int sync(int fd) override;
  [[nodiscard]] int lock(int fd, Lock how) override;
  [[nodiscard]] int make_directory(const std::string& path) override;
  [[nodiscard]] int rename(const std::string& from, const std::string& to) override;
  [[nodiscard]] int unlink(const std::string& path) override;
  [[nodiscard]] int list(const std::string& directory, std::vector<std::string>& names) override;
  [[nodiscard]] uid_t user() const override;
};

}  // namespace flame::store
