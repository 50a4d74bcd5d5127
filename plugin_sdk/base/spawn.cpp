// posix_spawn with its descriptor juggling.
#include "plugin_sdk/base/spawn.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "plugin_sdk/base/assert.hpp"

namespace flame::base {
namespace {

std::error_code system_error(int error_number) {
  return {error_number, std::generic_category()};
}

class FileActions {
 public:
  FileActions() { FLAME_ASSERT(posix_spawn_file_actions_init(&actions_) == 0, "it only clears a struct"); }
  ~FileActions() { posix_spawn_file_actions_destroy(&actions_); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;
  posix_spawn_file_actions_t* get() { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

class Attributes {
 public:
  explicit Attributes(bool new_session) {
    FLAME_ASSERT(posix_spawnattr_init(&attributes_) == 0, "it only clears a struct");
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    int flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
    if (new_session) flags |= POSIX_SPAWN_SETSID;
    posix_spawnattr_setflags(&attributes_, static_cast<short>(flags));
  }
  ~Attributes() { posix_spawnattr_destroy(&attributes_); }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
  const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_;
};

int highest_target(const std::vector<FdMapping>& fds) {
  int highest = 2;
  for (const auto& mapping : fds) highest = std::max(highest, mapping.to);
  return highest;
}

bool is_target(const std::vector<FdMapping>& fds, int fd) {
  return std::any_of(fds.begin(), fds.end(), [fd](const FdMapping& mapping) { return mapping.to == fd; });
}

// Fills `actions`; the copies in `above` must live until posix_spawn() returns.
int plan_descriptors(const std::vector<FdMapping>& fds, FileActions& actions, std::vector<UniqueFd>& above) {
  const int highest = highest_target(fds);
  for (const auto& mapping : fds) {
    FLAME_ASSERT(mapping.from >= 0 && mapping.to >= 0, "descriptors are not negative");
    // A copy above all targets: no dup2 can overwrite a source that a later one needs.
    above.emplace_back(::fcntl(mapping.from, F_DUPFD_CLOEXEC, highest + 1));
    if (!above.back()) return errno;
    if (const int e = posix_spawn_file_actions_adddup2(actions.get(), above.back().get(), mapping.to)) return e;
  }
  if (!is_target(fds, 0)) {
    if (const int e = posix_spawn_file_actions_addopen(actions.get(), 0, "/dev/null", O_RDONLY, 0)) return e;
  }
  // The embedding program may hold descriptors without CLOEXEC; none of them is the child's business.
  for (int fd = 3; fd <= highest; ++fd) {
    if (is_target(fds, fd)) continue;
    if (const int e = posix_spawn_file_actions_addclose(actions.get(), fd)) return e;
  }
  return posix_spawn_file_actions_addclosefrom_np(actions.get(), highest + 1);
}

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> result;
  result.reserve(strings.size() + 1);
  // posix_spawn's prototype lacks const, it does not write.
  for (const auto& string : strings) result.push_back(const_cast<char*>(string.c_str()));
  result.push_back(nullptr);
  return result;
}

void kill_and_reap(pid_t pid) {
  ::kill(pid, SIGKILL);
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace

boost::system::result<Spawned, std::error_code> spawn(const SpawnRequest& request) {
  FileActions actions;
  std::vector<UniqueFd> above;
  if (const int e = plan_descriptors(request.fds, actions, above)) return system_error(e);
  const Attributes attributes(request.new_session);
  const std::vector<std::string> alone{request.path};
  const auto argv = pointers(request.argv.empty() ? alone : request.argv);
  const auto env = pointers(request.env);
  pid_t pid = -1;
  if (const int e =
          ::posix_spawn(&pid, request.path.c_str(), actions.get(), attributes.get(), argv.data(), env.data())) {
    return system_error(e);
  }
  UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd) {
    const int e = errno;
    kill_and_reap(pid);
    return system_error(e);
  }
  return Spawned{pid, std::move(pidfd)};
}

}  // namespace flame::base
