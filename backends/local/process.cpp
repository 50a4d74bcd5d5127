// Starting, signalling and reaping of one runner process.
#include "backends/local/process.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

#include "plugin_sdk/base/file.hpp"
#include "plugin_sdk/base/shortage.hpp"
#include "plugin_sdk/base/spawn.hpp"

namespace flame::backends {
namespace {

BootFailure failed(std::string what, int error) {
  what += std::string(": ") + std::strerror(error) + ".";
  if (base::is_shortage(error)) what += " " + base::shortage_remedy(error);
  const bool permanent = error == ENOENT || error == EACCES || error == ENOEXEC;  // the file is to blame
  return {.error = {.code = ErrorCode::boot_failed, .message = std::move(what)},
          .remedy = permanent ? Remedy::permanent : Remedy::retry};
}

// glibc 2.36 declares these without C linkage.
int pidfd_of(pid_t pid) {
  return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
}
void send(int pidfd, int signal) {
  ::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0);
}

std::vector<pid_t> children_of(pid_t pid) {
  const std::string id = std::to_string(pid);
  std::ifstream file("/proc/" + id + "/task/" + id + "/children");
  return {std::istream_iterator<pid_t>(file), std::istream_iterator<pid_t>()};
}

// The guardian ends as shells do when its supervisor was killed.
std::string exit_words(int code) {
  const bool killed = code > 128 && code <= 128 + SIGRTMAX;
  return "exit code " + std::to_string(code) + (killed ? " (killed by signal " + std::to_string(code - 128) + ")" : "");
}

}  // namespace

boost::system::result<RunnerProcess, BootFailure> start_runner(const std::string& binary,
                                                               std::vector<std::string> environment,
                                                               const std::string& parent) {
  const auto memory = base::sealed_memfd("flame-parent", parent);
  if (!memory) return BootFailure{.error = {.code = ErrorCode::boot_failed, .message = memory.error().message}};
  std::array<int, 2> ends{-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return failed("cannot make a pipe for the runner's output", errno);
  RunnerProcess process{.output = base::UniqueFd(ends[0])};
  const base::UniqueFd write_end(ends[1]);
  // Only our end: the runner's writes may block, they never fail with EAGAIN.
  if (::fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) return failed("cannot prepare the output pipe", errno);

  auto spawned = base::spawn(
      {.path = binary,
       .env = std::move(environment),
       .fds = {{write_end.get(), STDOUT_FILENO}, {write_end.get(), STDERR_FILENO}, {memory->get(), kParentFd}},
       .new_session = true});
  if (!spawned) return failed("cannot start " + binary, spawned.error().value());
  process.pid = spawned->pid;
  process.pidfd = std::move(spawned->pidfd);
  return process;
}

void signal_process(const RunnerProcess& process, int signal) {
  // ESRCH is the one expected error: it ended meanwhile, which the pidfd tells.
  send(process.pidfd.get(), signal);
}

void kill_children(const RunnerProcess& process) {
  for (const pid_t child : children_of(process.pid)) {
    const base::UniqueFd pidfd(pidfd_of(child));
    const auto now = children_of(process.pid);
    // Still its child after the pidfd was taken: so the pidfd is this child's and not that of a reused pid.
    if (pidfd && std::find(now.begin(), now.end(), child) != now.end()) send(pidfd.get(), SIGKILL);
  }
}

ExitStatus reap(const RunnerProcess& process) {
  siginfo_t info{};
  while (::waitid(P_PIDFD, static_cast<id_t>(process.pidfd.get()), &info, WEXITED) != 0) {
    if (errno == EINTR) continue;
    return {"exit status unknown: this program collects its children itself (SIGCHLD ignored, or wait() called)", true};
  }
  if (info.si_code == CLD_EXITED) return {exit_words(info.si_status), info.si_status != 0};
  const char* name = sigdescr_np(info.si_status);
  const std::string description = name != nullptr ? std::string(" (") + name + ")" : "";
  return {"killed by signal " + std::to_string(info.si_status) + description, true};
}

}  // namespace flame::backends
