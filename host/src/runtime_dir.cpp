// Makes, locks, finds and removes runtime directories.
#include "host/src/runtime_dir.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <set>
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

bool has_our_name(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  return name.starts_with(kPrefix) && name.size() == std::strlen(kPrefix) + 6;
}

// Whose private directory this is; nullopt: none that a host made.
std::optional<uid_t> owner_of(const std::filesystem::path& path) {
  struct stat info {};
  if (!has_our_name(path) || ::lstat(path.c_str(), &info) != 0 || !S_ISDIR(info.st_mode) ||
      (info.st_mode & 0777) != 0700) {
    return std::nullopt;
  }
  return info.st_uid;
}

// The pid in a locked pid file; nullopt when nobody holds it.
std::optional<pid_t> living_pid(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) {
    return std::nullopt;
  }
  std::array<char, 16> text{};
  const bool free = ::flock(fd, LOCK_SH | LOCK_NB) == 0 || errno != EWOULDBLOCK;
  const ssize_t size = free ? 0 : ::read(fd, text.data(), text.size());
  ::close(fd);
  pid_t pid = 0;
  std::from_chars(text.data(), text.data() + std::max<ssize_t>(size, 0), pid);
  return pid > 0 ? std::optional(pid) : std::nullopt;
}

const char* runtime_root() {
  const char* run = std::getenv("XDG_RUNTIME_DIR");
  return run != nullptr && *run == '/' ? run : "";
}

}  // namespace

Result<RuntimeDir> RuntimeDir::create() {
  const std::string base = runtime_root();
  const bool usable = !base.empty() && base.size() + std::strlen("/flame-XXXXXX") <= kPathMax &&
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

RuntimeDir::RuntimeDir(std::filesystem::path path, int lock)
    : path_(std::move(path)), lock_(lock), maker_(::getpid()) {}

RuntimeDir::RuntimeDir(RuntimeDir&& other) noexcept
    : path_(std::exchange(other.path_, {})), lock_(std::exchange(other.lock_, -1)), maker_(other.maker_) {}

RuntimeDir::~RuntimeDir() {
  if (lock_ < 0 || ::getpid() != maker_) {
    return;
  }
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
  ::close(lock_);
}

void remove_stale(const std::filesystem::path& base) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(base, error)) {
    if (owner_of(entry.path()) != ::geteuid()) {
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

std::vector<LiveHost> live_hosts_in(const std::filesystem::path& base, bool all_users) {
  std::vector<LiveHost> hosts;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(base, error)) {
    const auto owner = owner_of(entry.path());
    if (!owner || (!all_users && *owner != ::geteuid())) {
      continue;
    }
    if (const auto pid = living_pid(entry.path() / "pid")) {
      const auto socket = entry.path() / "control.sock";
      std::error_code missing;
      hosts.push_back({*pid, *owner, std::filesystem::exists(socket, missing) ? socket.string() : ""});
    }
  }
  return hosts;
}

std::vector<LiveHost> live_hosts() {
  const bool root = ::geteuid() == 0;
  std::error_code error;
  std::set<std::filesystem::path> bases = {"/tmp"};
  if (const auto own = std::filesystem::canonical(runtime_root(), error); !error) {
    bases.insert(own);
  }
  for (const auto& user : std::filesystem::directory_iterator(root ? "/run/user" : "", error)) {
    bases.insert(user.path());
  }
  std::vector<LiveHost> hosts;
  for (const auto& base : bases) {
    const auto found = live_hosts_in(base, root);
    hosts.insert(hosts.end(), found.begin(), found.end());
  }
  std::ranges::stable_sort(hosts, {}, &LiveHost::pid);
  return hosts;
}

}  // namespace flame::pool
