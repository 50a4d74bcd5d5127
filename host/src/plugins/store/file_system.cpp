// FileSystem by system calls.
#include "host/src/plugins/store/file_system.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <string_view>

#include "plugin_sdk/base/file.hpp"

namespace flame::store {
namespace {

// Calls again what a signal has interrupted. errno, or 0.
template <typename Call>
int finish(Call call) {
  for (;;) {
    if (call() == 0) return 0;
    if (errno != EINTR) return errno;
  }
}

int operation_of(Lock how) {
  switch (how) {
    case Lock::wait_alone:
      return LOCK_EX;
    case Lock::try_alone:
      return LOCK_EX | LOCK_NB;
    case Lock::try_shared:
      return LOCK_SH | LOCK_NB;
  }
  return LOCK_EX;
}

}  // namespace

Opened SystemFiles::open(const std::string& path, int flags, mode_t mode) {
  Opened opened;
  opened.error = finish([&] {
    opened.fd.reset(::open(path.c_str(), flags | O_CLOEXEC, mode));
    return opened.fd ? 0 : -1;
  });
  return opened;
}

int SystemFiles::status(int fd, struct stat& status) {
  return ::fstat(fd, &status) == 0 ? 0 : errno;
}

Got SystemFiles::read(int fd, std::span<std::byte> into) {
  Got got;
  got.error = finish([&] {
    const ssize_t n = ::read(fd, into.data(), into.size());
    if (n > 0) got.bytes = static_cast<std::size_t>(n);
    return n < 0 ? -1 : 0;
  });
  return got;
}

int SystemFiles::write(int fd, std::span<const std::byte> bytes) {
  return base::write_all(fd, bytes);
}

int SystemFiles::set_mode(int fd, mode_t mode) {
  return ::fchmod(fd, mode) == 0 ? 0 : errno;
}

int SystemFiles::sync(int fd) {
  return finish([&] { return ::fsync(fd); });
}

int SystemFiles::lock(int fd, Lock how) {
  return finish([&] { return ::flock(fd, operation_of(how)); });
}

int SystemFiles::make_directory(const std::string& path) {
  return ::mkdir(path.c_str(), 0700) == 0 ? 0 : errno;
}

int SystemFiles::rename(const std::string& from, const std::string& to) {
  return std::rename(from.c_str(), to.c_str()) == 0 ? 0 : errno;
}

int SystemFiles::unlink(const std::string& path) {
  return ::unlink(path.c_str()) == 0 ? 0 : errno;
}

int SystemFiles::list(const std::string& directory, std::vector<std::string>& names) {
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(::opendir(directory.c_str()), ::closedir);
  if (!entries) return errno;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(entries.get());
    if (entry == nullptr) return errno;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
}

uid_t SystemFiles::user() const {
  return ::geteuid();
}

}  // namespace flame::store
