// See guardian.hpp.
#include "runner/os/guardian.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

#include "plugin_sdk/base/boot_time.hpp"
#include "plugin_sdk/base/cgroup.hpp"
#include "plugin_sdk/base/shortage.hpp"
#include "plugin_sdk/base/standstill.hpp"
#include "plugin_sdk/wire/envelope.hpp"
#include "runner/os/log.hpp"
#include "runner/os/process.hpp"

namespace flame::runner {
namespace {

constexpr std::size_t kParentBytesMax = 1024 * 1024;
constexpr int kStatusUnknown = 1;  // the supervisor is gone, and nobody told how it ended

ParentBytes from_variable(char* value) {
  const std::string_view text = value;
  auto bytes = wire::from_base64(text);
  explicit_bzero(value, text.size());
  ::unsetenv("FLAME_PARENT");
  if (!bytes) return {{}, "FLAME_PARENT is not base64: pass on what the host gave to the backend, unchanged"};
  return {std::move(*bytes), {}};
}

ParentBytes from_descriptor(std::string_view text) {
  int fd = -1;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), fd);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || fd < 0) {
    return {{}, "FLAME_PARENT_FD is not the number of a descriptor"};
  }
  ParentBytes parent;
  ::lseek(fd, 0, SEEK_SET);  // the writer's offset is shared; on a pipe this fails, and need not succeed
  char buffer[4096];
  ssize_t got = 0;
  while (parent.bytes.size() <= kParentBytesMax && (got = ::read(fd, buffer, sizeof buffer)) != 0) {
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return {{}, fmt::format("FLAME_PARENT_FD={}: cannot read it: {}", fd, std::strerror(errno))};
    parent.bytes.append(buffer, static_cast<std::size_t>(got));
  }
  explicit_bzero(buffer, sizeof buffer);
  ::close(fd);
  ::unsetenv("FLAME_PARENT_FD");
  if (parent.bytes.size() > kParentBytesMax) return {{}, "what FLAME_PARENT_FD holds is too large"};
  if (parent.bytes.empty()) return {{}, "what FLAME_PARENT_FD holds is empty"};
  return parent;
}

[[noreturn]] void run_supervisor(pid_t guardian, const std::function<int(std::string)>& supervisor, std::string bytes) {
  // A guardian that was killed cannot sweep: the supervisor hears of it and does so itself.
  ::prctl(PR_SET_PDEATHSIG, SIGHUP);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  ::prctl(PR_SET_DUMPABLE, 0);
  ::prctl(PR_SET_NAME, "flame-super");
  const int status = ::getppid() == guardian ? supervisor(std::move(bytes)) : 1;
  ::_exit(status);
}

int exit_status(int wait_status) {
  return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

// One of `signals`, or -1 at `until`.
int next_signal(const sigset_t& signals, Instant until) {
  if (until == kNever) return ::sigwaitinfo(&signals, nullptr);
  const Duration left = base::remaining(until, base::boot_time());
  const timespec patience{.tv_sec = left.count() / 1'000'000'000, .tv_nsec = left.count() % 1'000'000'000};
  return ::sigtimedwait(&signals, nullptr, &patience);
}

// How often a guardian looks at the clock while its supervisor stands still: by that it knows whether it did itself.
constexpr Duration kLookInterval = std::chrono::seconds(1);

// When a supervisor that stands still is to be killed.
class StandstillWatch {
 public:
  StandstillWatch(Patience patience, pid_t starter) : patience_(patience), starter_(starter) {}

  void stopped(Instant now) { kill_at_ = base::deadline_after(now, patience_.standstill); }
  void continued() { kill_at_ = kNever; }
  [[nodiscard]] Instant look_at(Instant now) const {
    return kill_at_ == kNever ? kNever : std::min(kill_at_, base::deadline_after(now, kLookInterval));
  }
  [[nodiscard]] bool over(Instant now) {
    const bool frozen_too = own_.seen(now) > Duration::zero();
    if (kill_at_ == kNever) return false;
    const bool starter_lives = patience_.while_starter_lives && ::getppid() == starter_;
    if (frozen_too || (now >= kill_at_ && starter_lives)) stopped(now);
    return now >= kill_at_;
  }

 private:
  Patience patience_;
  pid_t starter_;
  Instant kill_at_ = kNever;
  base::Standstill own_{2 * kLookInterval};
};

// Waits for the supervisor's end; passes SIGTERM and SIGINT on meanwhile, and ends one that stands still.
int wait_for(pid_t supervisor, const sigset_t& signals, StandstillWatch watch) {
  for (;;) {
    int status = 0;
    pid_t pid = 0;
    while ((pid = ::waitpid(-1, &status, WNOHANG | __WALL | WUNTRACED | WCONTINUED)) > 0) {
      if (pid != supervisor) continue;
      if (WIFSTOPPED(status)) {
        watch.stopped(base::boot_time());
      } else if (WIFCONTINUED(status)) {
        watch.continued();
      } else {
        return exit_status(status);
      }
    }
    if (pid < 0 && errno == ECHILD) return kStatusUnknown;
    const Instant now = base::boot_time();
    if (watch.over(now)) {
      ::kill(supervisor, SIGKILL);
      watch.continued();
    }
    const int signal = next_signal(signals, watch.look_at(now));
    if (signal == SIGTERM || signal == SIGINT) ::kill(supervisor, SIGTERM);
  }
}

std::string cannot_fork(int error) {
  return fmt::format("cannot fork the supervisor: {}. {}", std::strerror(error), base::shortage_remedy(error));
}

}  // namespace

ParentBytes take_parent_from_environment() {
  if (char* value = std::getenv("FLAME_PARENT")) return from_variable(value);
  if (const char* fd = std::getenv("FLAME_PARENT_FD")) return from_descriptor(fd);
  return {{},
          "neither FLAME_PARENT nor FLAME_PARENT_FD is set. flame-runner is started by a host's backend, which says "
          "there whom to dial; to try FLAME by hand, use `flame call`"};
}

Patience patience_for(const std::string& parent_bytes) {
  auto parent = wire::decode_parent(parent_bytes);
  if (!parent) return {};
  explicit_bzero(parent->secret_key.data(), parent->secret_key.size());
  const bool local = std::ranges::all_of(parent->control, [](const auto& at) { return at.starts_with("ipc://"); });
  return {.standstill = kStandstillMax, .while_starter_lives = local};
}

int guard(ParentBytes& parent, const std::function<int(std::string)>& supervisor, Patience patience) {
  reset_signals();  // with SIGCHLD ignored, say, no end of a child would ever be heard of
  const pid_t starter = ::getppid();
  ::prctl(PR_SET_DUMPABLE, 0);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  ::signal(SIGPIPE, SIG_IGN);  // who reads our log may die first, and unlinked work outlives its host
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGCHLD, SIGHUP}) sigaddset(&signals, signal);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);  // before the fork: a SIGTERM in between must not end us
  const pid_t guardian = ::getpid();
  const std::string cgroup = base::runner_cgroup(guardian);
  const bool grouped = base::make_cgroup(cgroup);
  const pid_t child = grouped ? base::fork_into_cgroup(cgroup) : ::fork();
  if (child == 0) run_supervisor(guardian, supervisor, std::move(parent.bytes));
  const int fork_error = errno;
  explicit_bzero(parent.bytes.data(), parent.bytes.size());
  parent.bytes.clear();
  if (child < 0) log(LogLevel::error, cannot_fork(fork_error));
  const int status = child < 0 ? kStatusUnknown : wait_for(child, signals, StandstillWatch(patience, starter));
  if (grouped) base::end_cgroup(cgroup, {});  // what it kills is reaped next
  end_all_descendants();
  if (grouped) {
    base::end_cgroup(cgroup);
    base::remove_abandoned_cgroups(cgroup);
  }
  return status;
}

}  // namespace flame::runner
