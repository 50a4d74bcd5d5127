// See process.hpp.
#include "runner/os/process.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <iterator>
#include <sstream>
#include <string>

#include "plugin_sdk/base/file.hpp"
#include "plugin_sdk/base/limits.hpp"

namespace flame::runner {
namespace {

constexpr std::size_t kListMax = 64 * limits::MiB;  // as many as the kernel has numbers for

}  // namespace

// Only the main thread forks and adopts, so its list is the process's.
std::vector<pid_t> children() {
  const auto text = base::read_file(fmt::format("/proc/self/task/{}/children", ::getpid()), kListMax);
  std::istringstream list(text ? *text : std::string());
  return {std::istream_iterator<pid_t>(list), {}};
}

void end_all_descendants() {
  for (;;) {
    for (const pid_t pid : children()) ::kill(pid, SIGKILL);
    // One at a time: what the dead one leaves becomes our child and is in the next list.
    if (::waitpid(-1, nullptr, __WALL) < 0 && errno == ECHILD) return;
  }
}

void reset_signals() {
  struct sigaction before {};
  // Only that a signal is ignored survives an exec.
  for (int signal = 1; signal <= SIGRTMAX; ++signal) {
    if (::sigaction(signal, nullptr, &before) == 0 && before.sa_handler == SIG_IGN) ::signal(signal, SIG_DFL);
  }
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

std::uint64_t raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  const std::uint64_t soft = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  return soft;
}

int open_signal_fd(std::initializer_list<int> signals) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : signals) sigaddset(&set, signal);
  if (::sigprocmask(SIG_BLOCK, &set, nullptr) != 0) return -1;
  return ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

}  // namespace flame::runner
