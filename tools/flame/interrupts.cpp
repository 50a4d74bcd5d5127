// A thread that waits for SIGINT and SIGTERM.
#include "tools/flame/interrupts.hpp"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <system_error>

#include "tools/flame/command.hpp"

namespace flame::cli {
namespace {

bool is_ignored(int number) {
  struct sigaction action {};
  return ::sigaction(number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    if (!is_ignored(number)) sigaddset(&set, number);
  }
  return set;
}

}  // namespace

Interrupts::Interrupts() {
  const sigset_t set = stop_signals();
  pthread_sigmask(SIG_BLOCK, &set, &mask_before_);
  signals_.reset(::signalfd(-1, &set, SFD_CLOEXEC));
  if (!signals_) throw std::system_error(errno, std::generic_category(), "signalfd");
  thread_ = std::thread([this] { watch(); });
}

Interrupts::~Interrupts() {
  done_.signal();
  thread_.join();
  pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
}

int Interrupts::exit_code() const {
  return kSignalled + signal_.load();
}

void Interrupts::watch() {
  constexpr auto kGraceMs = std::chrono::milliseconds(kStopGrace);
  while (true) {
    pollfd fds[] = {{.fd = signals_.get(), .events = POLLIN, .revents = 0},
                    {.fd = done_.fd(), .events = POLLIN, .revents = 0}};
    const int ready = ::poll(fds, 2, interrupted() ? static_cast<int>(kGraceMs.count()) : -1);
    if (ready == 0) ::_exit(exit_code());
    if (ready < 0) continue;
    if (fds[1].revents != 0) return;
    signalfd_siginfo info{};
    if (::read(signals_.get(), &info, sizeof info) != static_cast<ssize_t>(sizeof info)) continue;
    begin_to_stop(static_cast<int>(info.ssi_signo));
  }
}

void Interrupts::begin_to_stop(int number) {
  if (signal_.exchange(number) != 0) ::_exit(kSignalled + number);
  interrupted_.signal();
  stop_.request_stop();
}

}  // namespace flame::cli
