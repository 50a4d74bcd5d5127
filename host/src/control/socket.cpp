// Binding: who is there is asked and replaced under a lock on the directory, so that two hosts cannot both win.
#include "host/src/control/socket.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <utility>

#include "plugin_sdk/base/limits.hpp"

namespace flame::control {
namespace {

constexpr mode_t kOwnerOnly = 0600;
constexpr int kLockTries = 200;
constexpr int kLockPauseMs = 5;

Error refuse(const std::string& path, const std::string& why) {
  return Error{
      .code = ErrorCode::invalid_argument,
      .message = "[host] control: cannot open \"" + path + "\": " + why + ". Set another path, \"auto\" or \"off\"."};
}

Error refuse(const std::string& path, int error) {
  return refuse(path, std::string(std::strerror(error)));
}

std::optional<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) return std::nullopt;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

const sockaddr* as_sockaddr(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

base::UniqueFd unix_socket() {
  return base::UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

// Held only while a socket is being put in place. Others can hold it too, so it is not waited for without end.
base::UniqueFd lock_directory(const std::string& path) {
  const std::string directory = std::filesystem::path(path).parent_path().string();
  base::UniqueFd fd(::open(directory.empty() ? "." : directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (int i = 0; fd && ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0; ++i) {
    if (i == kLockTries) {
      fd.reset();
      errno = EBUSY;
    } else {
      ::poll(nullptr, 0, kLockPauseMs);
    }
  }
  return fd;
}

// Only a socket that nobody answers on may go.
Result<void> make_room(const std::string& path, const sockaddr_un& address) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return errno == ENOENT ? Result<void>() : refuse(path, errno);
  if (!S_ISSOCK(info.st_mode)) return refuse(path, "something that is no socket is there");
  const base::UniqueFd probe = unix_socket();
  if (!probe) return refuse(path, errno);
  if (::connect(probe.get(), as_sockaddr(address), sizeof address) == 0 || errno != ECONNREFUSED) {
    return refuse(path, "a running program listens there");
  }
  if (::unlink(path.c_str()) != 0) return refuse(path, errno);
  return {};
}

}  // namespace

Result<ControlSocket> ControlSocket::open(const std::string& path, Place place) {
  const auto address = address_of(path);
  if (!address) {
    return refuse(path, "a socket's path has 1 to " + std::to_string(sizeof(sockaddr_un::sun_path) - 1) + " bytes");
  }
  const base::UniqueFd lock = place == Place::own ? base::UniqueFd() : lock_directory(path);
  if (place == Place::shared && !lock) return refuse(path, errno);
  if (auto room = make_room(path, *address); !room) return room.error();
  base::UniqueFd fd = unix_socket();
  // Before bind(), which creates the file with the socket's own mode: there is no moment in which others may connect.
  if (!fd || ::fchmod(fd.get(), kOwnerOnly) != 0 || ::bind(fd.get(), as_sockaddr(*address), sizeof *address) != 0) {
    return refuse(path, errno);
  }
  struct stat info {};
  if (::listen(fd.get(), limits::kControlBacklog) != 0 || ::lstat(path.c_str(), &info) != 0) {
    const int error = errno;
    ::unlink(path.c_str());
    return refuse(path, error);
  }
  return ControlSocket(std::move(fd), path, place, info.st_ino);
}

std::optional<ControlSocket> ControlSocket::renewed() const {
  struct stat info {};
  if (::lstat(path_.c_str(), &info) == 0 || errno != ENOENT) return std::nullopt;
  auto socket = open(path_, place_);
  return socket ? std::optional(std::move(*socket)) : std::nullopt;
}

ControlSocket::~ControlSocket() {
  struct stat info {};
  if (fd_ && ::lstat(path_.c_str(), &info) == 0 && info.st_ino == inode_) ::unlink(path_.c_str());
}

}  // namespace flame::control
