// Makes, locks, finds and removes runtime directories.
#include "host/src/setup/runtime_dir.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
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

#include "host/src/plugins/private_dir.hpp"

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
base::UniqueFd make_lock(const std::filesystem::path& dir) {
  const auto temporary = dir / "pid.new";
  ::unlink(temporary.c_str());
  base::UniqueFd fd(::open(temporary.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (!fd || ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0 ||
      ::write(fd.get(), pid.data(), pid.size()) != static_cast<ssize_t>(pid.size()) ||
      ::rename(temporary.c_str(), (dir / "pid").c_str()) != 0) {
    const int saved = errno;
    fd.reset();
    errno = saved;
  }
  return fd;
}

// Shared, because all that matters is that nobody gets it alone.
base::UniqueFd lock_directory(const std::filesystem::path& dir) {
  base::UniqueFd fd(::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd) static_cast<void>(::flock(fd.get(), LOCK_SH | LOCK_NB));
  return fd;
}

// Tries what the loader does with a library; mount flags are only one of the reasons why it may fail.
bool can_execute_in(const std::filesystem::path& dir) {
  const std::string path = dir / "probe";
  const base::UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0700));
  if (!fd) return false;
  ::unlink(path.c_str());
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  if (::ftruncate(fd.get(), static_cast<off_t>(page)) != 0) return false;
  void* code = ::mmap(nullptr, page, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd.get(), 0);
  if (code == MAP_FAILED) return false;
  ::munmap(code, page);
  return true;
}

bool has_our_name(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  return name.starts_with(kPrefix) && name.size() == std::strlen(kPrefix) + 6;
}

// Whose directory it is, which a host made.
std::optional<uid_t> owner_of_host(const std::filesystem::path& path) {
  return has_our_name(path) ? owner_of_private(path) : std::nullopt;
}

// The pid in a locked pid file; nullopt when nobody holds it.
std::optional<pid_t> living_pid(const std::filesystem::path& path) {
  const base::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  std::array<char, 16> text{};
  const bool free = ::flock(fd.get(), LOCK_SH | LOCK_NB) == 0 || errno != EWOULDBLOCK;
  const ssize_t size = free ? 0 : ::read(fd.get(), text.data(), text.size());
  pid_t pid = 0;
  std::from_chars(text.data(), text.data() + std::max<ssize_t>(size, 0), pid);
  return pid > 0 ? std::optional(pid) : std::nullopt;
}

// Marks it as just used. Who cleans may take some of it meanwhile.
void touch_all(const std::filesystem::path& dir) {
  ::utimensat(AT_FDCWD, dir.c_str(), nullptr, 0);
  std::error_code error;
  for (std::filesystem::recursive_directory_iterator entry(dir, error), end; entry != end; entry.increment(error)) {
    ::utimensat(AT_FDCWD, entry->path().c_str(), nullptr, AT_SYMLINK_NOFOLLOW);
  }
}

const char* runtime_root() {
  const char* run = std::getenv("XDG_RUNTIME_DIR");
  return run != nullptr && *run == '/' ? run : "";
}

}  // namespace

Result<RuntimeDir> RuntimeDir::create() {
  std::vector<std::filesystem::path> bases = {"/tmp", "/var/tmp"};
  const std::string run = runtime_root();
  if (!run.empty() && run.size() + std::strlen("/flame-XXXXXX") <= kPathMax) bases.insert(bases.begin(), run);
  return create_in_first(bases);
}

Result<RuntimeDir> RuntimeDir::create_in_first(const std::vector<std::filesystem::path>& bases) {
  std::optional<RuntimeDir> writable;
  std::optional<Error> problem;
  for (const auto& base : bases) {
    auto made = create_in(base);
    if (!made) {
      if (!problem) problem = made.error();
    } else if (made->executable()) {
      return made;
    } else if (!writable) {
      writable.emplace(std::move(*made));
    }
  }
  if (writable) return std::move(*writable);
  return *problem;
}

Result<RuntimeDir> RuntimeDir::create_in(const std::filesystem::path& base) {
  remove_stale(base);
  std::string name = (base / (std::string(kPrefix) + "XXXXXX")).string();
  if (name.size() > kPathMax) return failure("the path " + name + " is too long for a socket", ENAMETOOLONG);
  if (::mkdtemp(name.data()) == nullptr) return failure("cannot make a directory in " + base.string(), errno);
  const std::filesystem::path path = name;
  base::UniqueFd lock = make_lock(path);
  if (!lock || ::mkdir((path / "plugins").c_str(), 0700) != 0) {
    const int saved = errno;
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
    return failure("cannot set up " + path.string(), saved);
  }
  return RuntimeDir(path, std::move(lock));
}

RuntimeDir::RuntimeDir(std::filesystem::path path, base::UniqueFd lock)
    : path_(std::move(path)),
      lock_(std::move(lock)),
      directory_(lock_directory(path_)),
      executable_(can_execute_in(path_)),
      maker_(::getpid()) {}

RuntimeDir::~RuntimeDir() {
  if (!lock_ || ::getpid() != maker_) return;
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Result<void> RuntimeDir::keep() {
  if (auto ours = make_private(path_); ours.has_error()) return ours;
  if (base::UniqueFd lock = lock_directory(path_)) directory_ = std::move(lock);  // it may be a new one
  ::mkdir(plugins().c_str(), 0700);
  if (::access((path_ / "pid").c_str(), F_OK) != 0) {
    if (base::UniqueFd lock = make_lock(path_)) lock_ = std::move(lock);
  }
  touch_all(path_);
  return {};
}

void remove_stale(const std::filesystem::path& base) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(base, error)) {
    if (owner_of_host(entry.path()) != ::geteuid()) continue;
    const base::UniqueFd lock(::open((entry.path() / "pid").c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
    if (lock && ::flock(lock.get(), LOCK_EX | LOCK_NB) == 0) {
      std::error_code ignored;
      std::filesystem::remove_all(entry.path(), ignored);
    }
  }
}

std::vector<LiveHost> live_hosts_in(const std::filesystem::path& base, bool all_users) {
  std::vector<LiveHost> hosts;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(base, error)) {
    const auto owner = owner_of_host(entry.path());
    if (!owner || (!all_users && *owner != ::geteuid())) continue;
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
  std::set<std::filesystem::path> bases = {"/tmp", "/var/tmp"};
  if (const auto own = std::filesystem::canonical(runtime_root(), error); !error) bases.insert(own);
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
