// The control socket's place in the file system: taken without stealing it from a living host, given back at the end.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include <flame/result.hpp>

#include "plugin_sdk/base/unique_fd.hpp"

namespace flame::control {

/// A listening unix socket (0600, non-blocking, CLOEXEC) at a path. Removed from there by the destructor, unless
/// something else stands there by then.
class ControlSocket {
 public:
  /// Who else may put a socket into the directory: any host, or nobody (the host's own runtime directory, which is
  /// locked anyway).
  enum class Place : std::uint8_t { shared, own };

  /// A socket at `path` that nobody listens on is left over from a killed host and is replaced. Errors:
  /// invalid_argument when the path is too long for a socket, taken by a living host or by anything else, or when the
  /// system refuses. [any thread]
  [[nodiscard]] static Result<ControlSocket> open(const std::string& path, Place place = Place::shared);
  /// The same again, when somebody has removed it; nullopt while it stands there, or when it cannot be had.
  [[nodiscard]] std::optional<ControlSocket> renewed() const;

  ControlSocket(ControlSocket&& other) noexcept = default;
  ControlSocket& operator=(ControlSocket&&) = delete;
  ~ControlSocket();

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  ControlSocket(base::UniqueFd fd, std::string path, Place place, ino_t inode)
      : fd_(std::move(fd)), path_(std::move(path)), place_(place), inode_(inode) {}

  base::UniqueFd fd_;
  std::string path_;
  Place place_ = Place::shared;
  ino_t inode_ = 0;
};

}  // namespace flame::control
