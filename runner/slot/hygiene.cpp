// Leaves a slot after a call as it was before.
#include "runner/slot/hygiene.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <iostream>

namespace flame::slot {
namespace {

constexpr long kLeakedFdsWorthAWarning = 64;
/// A joined thread is counted by the kernel for some microseconds more.
constexpr long kJoinedThreadGrace_ns = 5'000'000;

long monotonic_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000L + now.tv_nsec;
}

long open_fds() {
  struct stat info {};
  return ::stat("/proc/self/fd", &info) == 0 ? static_cast<long>(info.st_size) : 0;  // a count since Linux 6.2
}

void clear_interval_timers() {
  const itimerval off{};
  ::setitimer(ITIMER_REAL, &off, nullptr);
  ::setitimer(ITIMER_VIRTUAL, &off, nullptr);
  ::setitimer(ITIMER_PROF, &off, nullptr);
}

/// Ids of POSIX timers are handed out in order: the id of a probe tells whether a task made any. -1: cannot tell.
int probe_timer() {
  sigevent none{};
  none.sigev_notify = SIGEV_NONE;
  timer_t timer{};
  if (::timer_create(CLOCK_MONOTONIC, &none, &timer) != 0) return -1;
  const int id = static_cast<int>(reinterpret_cast<std::intptr_t>(timer));
  ::timer_delete(timer);
  return id;
}

bool any_posix_timer() {
  std::FILE* file = std::fopen("/proc/self/timers", "re");
  if (file == nullptr) return true;
  const bool any = std::fgetc(file) != EOF;
  std::fclose(file);
  return any;
}

/// Reaps children that have ended; true if one still runs.
bool child_left() {
  for (;;) {
    const pid_t child = ::waitpid(-1, nullptr, WNOHANG | __WALL);
    if (child == 0) return true;
    if (child < 0 && errno != EINTR) return false;
  }
}

int death_signal() {
  int signal = 0;
  ::prctl(PR_GET_PDEATHSIG, &signal);
  return signal;
}

}  // namespace

Hygiene::Hygiene(int channel, bool shared) : channel_(channel), shared_(shared) {
  struct stat info {};
  if (::fstat(channel, &info) == 0) channel_inode_ = info.st_ino;
  std::error_code ignored;  // no directory (it was deleted): nothing to return to
  output_[0] = shared ? STDOUT_FILENO : ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
  output_[1] = shared ? STDERR_FILENO : ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
  directory_ = std::filesystem::current_path(ignored).string();
  if (::stat(".", &info) == 0) {
    directory_device_ = info.st_dev;
    directory_inode_ = info.st_ino;
  }
  umask_ = ::umask(0);
  ::umask(umask_);
  ::pthread_sigmask(SIG_SETMASK, nullptr, &mask_);
  session_ = ::getsid(0);
  user_ = ::geteuid();
  group_ = ::getegid();
  task_directory_.reset(::open("/proc/self/task", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (::fstat(task_directory_.get(), &info) == 0) task_inode_ = info.st_ino;
  threads_ = thread_count();
  fds_ = open_fds();
  next_timer_ = probe_timer();
}

std::string Hygiene::clean() {
  flush_streams();
  if (!shared_) clear_interval_timers();  // before signals are unblocked: a pending alarm is seen, no new one comes
  if (!restore_mask()) return "the task left a signal pending that it had blocked";
  if (shared_) return {};
  if (child_left()) return "the task left a child process running";
  if (threads_left()) return "the task left a thread running";
  if (timers_left()) return "the task left a timer running";
  ::umask(umask_);
  if (!return_home()) return "the task made the working directory unusable";
  return check_process();
}

// Looking where we are costs half of going there.
bool Hygiene::return_home() const {
  struct stat info {};
  const bool looked = ::fstatat(AT_FDCWD, "", &info, AT_EMPTY_PATH) == 0;
  const bool home = looked && info.st_ino == directory_inode_ && info.st_dev == directory_device_;
  if (home && info.st_nlink > 0) return true;
  return directory_.empty() || ::chdir(directory_.c_str()) == 0;
}

std::string Hygiene::check_process() const {
  if (::getsid(0) != session_) return "the task changed its session";
  if (::geteuid() != user_ || ::getuid() != user_ || ::getegid() != group_) return "the task changed its user or group";
  if (death_signal() != SIGKILL) return "the task would outlive its supervisor";
  return {};
}

bool Hygiene::channel_intact() const {
  struct stat info {};
  return ::fstat(channel_, &info) == 0 && S_ISSOCK(info.st_mode) && info.st_ino == channel_inode_;
}

bool Hygiene::output_read() const {
  int out = 1;
  int err = 1;
  return ::ioctl(output_[0], FIONREAD, &out) == 0 && ::ioctl(output_[1], FIONREAD, &err) == 0 && out == 0 && err == 0;
}

long Hygiene::leaked_fds() const {
  const long more = open_fds() - fds_;
  return more > kLeakedFdsWorthAWarning ? more : 0;
}

bool Hygiene::restore_mask() const {
  sigset_t pending;
  if (::sigpending(&pending) == 0) {
    for (int signal = 1; signal < NSIG; ++signal) {
      // Unblocking it would run its action now, which may be to end the slot before the result is sent.
      if (::sigismember(&pending, signal) == 1 && ::sigismember(&mask_, signal) == 0) return false;
    }
  }
  ::pthread_sigmask(SIG_SETMASK, &mask_, nullptr);
  return true;
}

bool Hygiene::threads_left() const {
  if (count_threads() <= threads_) return false;
  const long deadline = monotonic_ns() + kJoinedThreadGrace_ns;
  while (count_threads() > threads_) {
    if (monotonic_ns() > deadline) return true;
    ::sched_yield();
  }
  return false;
}

long Hygiene::count_threads() const {
  struct stat info {};
  // A task may have closed the descriptor and got its number for a file of its own.
  const bool ours = ::fstat(task_directory_.get(), &info) == 0 && info.st_ino == task_inode_ && S_ISDIR(info.st_mode);
  return ours ? static_cast<long>(info.st_nlink) - 2 : thread_count();
}

bool Hygiene::timers_left() {
  const int id = probe_timer();
  const bool made_none = id >= 0 && next_timer_ >= 0 && id == next_timer_ + 1;
  next_timer_ = id;
  return !made_none && any_posix_timer();
}

void flush_streams() {
  std::fflush(nullptr);
  std::cout.flush();
  std::clog.flush();
}

long thread_count() {
  struct stat info {};
  return ::stat("/proc/self/task", &info) == 0 ? static_cast<long>(info.st_nlink) - 2 : 1;
}

}  // namespace flame::slot
