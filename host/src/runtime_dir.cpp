// Makes, locks and removes runtime directories.
#include "host/src/runtime_dir.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <utility>

namespace flame::pool {
namespace {

constexpr const char* kPrefix = "flame-";
constexpr std::size_t kPathMax = 80;  // leaves room for "/control.ipc" in sockaddr_un

Error failure(const std::string& what, int error) {
  return Error{.code = ErrorCode::boot_failed,
               .message = what + ": " + std::strerror(error) +
                          ". The host needs a writable directory for its sockets: set XDG_RUNTIME_DIR."};
}

// The pid file appears under its name only when it is locked, so that remove_stale() never takes a young directory.
int make_lock(const std::filesystem::path& dir) {
  const auto temporary = dir / "pid.new";
  const int fd = ::open(temporary.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) {
    return -1;
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0 || ::write(fd, pid.data(), pid.size()) != static_cast<ssize_t>(pid.size()) ||
      ::rename(temporary.c_str(), (dir / "pid").c_str()) != 0) {
    const int saved = errno;
    ::close(fd);
    errno = saved;
    return -1;
  }
  return fd;
}

bool is_ours(const std::filesystem::path& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode) && info.st_uid == ::geteuid() &&
         (info.st_mode & 0777) == 0700;
}

}  // namespace

Result<RuntimeDir> RuntimeDir::create() {
  const char* run = std::getenv("XDG_RUNTIME_DIR");
  const std::string base = run != nullptr ? run : "";
  const bool usable = !base.empty() && base.front() == '/' && base.size() + std::strlen("/flame-XXXXXX") <= kPathMax &&
                      ::access(base.c_str(), W_OK | X_OK) == 0;
  return create_in(usable ? base : "/tmp");
}

Result<RuntimeDir> RuntimeDir::create_in(const std::filesystem::path& base) {
  remove_stale(base);
  std::string name = (base / (std::string(kPrefix) + "XXXXXX")).string();
  if (name.size() > kPathMax) {
    return failure("the path " + name + " is too long for a socket", ENAMETOOLONG);
  }
  if (::mkdtemp(name.data()) == nullptr) {
    return failure("cannot make a directory in " + base.string(), errno);
  }
  const std::filesystem::path path = name;
  const int lock = make_lock(path);
  if (lock < 0 || ::mkdir((path / "plugins").c_str(), 0700) != 0) {
    const int saved = errno;
    if (lock >= 0) {
      ::close(lock);
    }
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
    return failure("cannot set up " + path.string(), saved);
  }
  return RuntimeDir(path, lock);
}

RuntimeDir::RuntimeDir(RuntimeDir&& other) noexcept
    : path_(std::exchange(other.path_, {})), lock_(std::exchange(other.lock_, -1)) {}

RuntimeDir::~RuntimeDir() {
  if (lock_ < 0) {
    return;
  }
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
  ::close(lock_);
}

void remove_stale(const std::filesystem::path& base) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(base, error)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(kPrefix) || name.size() != std::strlen(kPrefix) + 6 || !is_ours(entry.path())) {
      continue;
    }
    const int lock = ::open((entry.path() / "pid").c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (lock < 0) {
      continue;
    }
    if (::flock(lock, LOCK_EX | LOCK_NB) == 0) {
      std::error_code ignored;
      std::filesystem::remove_all(entry.path(), ignored);
    }
    ::close(lock);
  }
}

}  // namespace flame::pool
