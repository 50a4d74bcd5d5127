// What a call changed in its process.
#include "runner/slot/process_hygiene.hpp"

#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <filesystem>

namespace flame::slot {
namespace {

constexpr std::size_t kStatusMax = 8 * 1024;
/// A joined thread is counted by the kernel for some microseconds more. Where threads may stay, mistaking it for one
/// that does costs little.
constexpr long kJoinedThreadGrace_ns = 5'000'000;
constexpr long kJoinedThreadGraceIfKept_ns = 200'000;

long monotonic_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000L + now.tv_nsec;
}

int death_signal() {
  int signal = 0;
  ::prctl(PR_GET_PDEATHSIG, &signal);
  return signal;
}

sigset_t set_of(std::uint64_t signals) {
  sigset_t set;
  ::sigemptyset(&set);
  for (int signal = 1; signal < NSIG; ++signal) {
    if ((signals >> (signal - 1) & 1) != 0) ::sigaddset(&set, signal);
  }
  return set;
}

Finding found(DiscardReason reason, const char* text) {
  return {reason, text};
}

}  // namespace

std::uint32_t thread_count() {
  struct stat info {};
  return ::stat("/proc/self/task", &info) == 0 ? static_cast<std::uint32_t>(info.st_nlink) - 2 : 1;
}

std::uint64_t default_stack_bytes() {
  pthread_attr_t attributes;
  std::size_t size = 0;
  if (::pthread_getattr_default_np(&attributes) != 0) return 0;
  ::pthread_attr_getstacksize(&attributes, &size);
  ::pthread_attr_destroy(&attributes);
  return size;
}

StatusReader::StatusReader() : file_("/proc/self/status", "Name:") {}

ProcessStatus StatusReader::read() {
  std::array<char, kStatusMax> buffer;  // not zeroed
  return parse_process_status(file_.read(buffer));
}

ShortageWatch::ShortageWatch(std::uint64_t limit, StatusReader& reader)
    : reader_(reader), memory_(limit, default_stack_bytes(), reader.read()) {}

Finding ShortageWatch::judge(const ProcessStatus& now, std::uint64_t in_hand) {
  memory_kept_ = memory_.kept(now, in_hand);
  if (memory_.too_much(memory_kept_)) {
    ::malloc_trim(0);  // what is free is no leak, also where it cannot be given back
    memory_kept_ = memory_.kept(reader_.read(), in_hand + ::mallinfo2().fordblks);
    if (memory_.too_much(memory_kept_)) {
      return {DiscardReason::memory, "its calls have left " + std::to_string(memory_kept_ / limits::MiB) +
                                         " MiB in use, more than half of limits.memory"};
    }
  }
  if (files_.short_of(now.fd_table)) {
    return {DiscardReason::descriptors, "its calls have left " + std::to_string(files_.more_than_at_start()) +
                                            " file descriptors open, more than half of the limit"};
  }
  return {};
}

ProcessHygiene::ProcessHygiene(const SlotLimits& limits)
    : keeps_threads_(limits.discard_threads == 0),
      home_(reader_.read()),
      now_(home_),
      threads_(home_.threads),
      shortage_(limits.memory_max, reader_) {
  library_.locale = ::setlocale(LC_ALL, nullptr);
  std::error_code ignored;  // no directory (it was deleted): nothing to return to
  place_.path = std::filesystem::current_path(ignored).string();
  struct stat info {};
  if (::stat(".", &info) == 0) place_.directory = Directory::of(info);
  if (::geteuid() == 0 && ::stat("/", &info) == 0) place_.root = Directory::of(info);
}

void ProcessHygiene::tidy_streams() const {
  streams_.formats.restore();
  streams_.buffers.restore_files();
  flush_streams();
  streams_.buffers.restore_buffers();
}

Finding ProcessHygiene::look_at_threads(std::uint64_t task) {
  timers_.restore_interval_timers();
  now_ = reader_.read();
  if (now_.threads == 0) return found(DiscardReason::other, "/proc/self/status cannot be read any more");
  if (threads_.grown(now_.threads)) wait_for_joined_threads();
  const auto judgement = threads_.call_ended(task, now_.threads);
  kept_threads_ = threads_.kept(now_.threads);
  if (!keeps_threads_ && kept_threads_ > 0) return found(DiscardReason::threads, "the task left a thread running");
  if (judgement == KeptThreads::Judgement::fine) return {};
  return found(DiscardReason::thread_leak, judgement == KeptThreads::Judgement::leak
                                               ? "each of the task's last calls left more threads running"
                                               : "the tasks of this slot left too many threads running");
}

void ProcessHygiene::wait_for_joined_threads() {
  const long deadline = monotonic_ns() + (keeps_threads_ ? kJoinedThreadGraceIfKept_ns : kJoinedThreadGrace_ns);
  for (now_.threads = thread_count(); threads_.grown(now_.threads); now_.threads = thread_count()) {
    if (monotonic_ns() > deadline) return;
    ::sched_yield();
  }
}

Finding ProcessHygiene::clean(std::uint64_t in_hand) {
  if (Finding finding = restore_mask()) return finding;
  if (children_.child_left(now_.threads == 1))
    return found(DiscardReason::child_process, "the task left a child process running");
  if (timers_.changed()) return found(DiscardReason::timer, "the task left a timer running");
  if (now_.umask != home_.umask) ::umask(static_cast<mode_t>(home_.umask));
  if (root_changed()) return found(DiscardReason::identity, "the task changed its root directory");
  if (!return_home()) return found(DiscardReason::working_directory, "the task made the working directory unusable");
  if (Finding finding = compare_memory()) return finding;
  if (now_.ignored != home_.ignored || now_.caught != home_.caught) {
    return found(DiscardReason::signal_handlers, "the task changed what happens at a signal");
  }
  return compare_resources(in_hand);
}

Finding ProcessHygiene::clean_untouched(std::uint64_t task) {
  static_cast<void>(threads_.call_ended(task, now_.threads));
  return compare_memory();
}

// Unblocking a signal that is pending would run its action now, which may be to end the slot before the result is sent.
Finding ProcessHygiene::restore_mask() const {
  if (now_.blocked == home_.blocked) return {};
  if ((now_.pending & ~home_.blocked) != 0) {
    return found(DiscardReason::pending_signal, "the task left a signal pending that it had blocked");
  }
  const sigset_t mask = set_of(home_.blocked);
  ::pthread_sigmask(SIG_SETMASK, &mask, nullptr);
  return {};
}

// Looking where we are costs half of going there.
bool ProcessHygiene::return_home() const {
  struct stat info {};
  const bool looked = ::fstatat(AT_FDCWD, "", &info, AT_EMPTY_PATH) == 0;
  const bool home = looked && Directory::of(info) == place_.directory;
  if (home && info.st_nlink > 0) return true;
  return place_.path.empty() || ::chdir(place_.path.c_str()) == 0;
}

// Who is not root would change who it is first, which is found as well.
bool ProcessHygiene::root_changed() const {
  struct stat info {};
  if (place_.root == Directory()) return false;
  return ::stat("/", &info) != 0 || Directory::of(info) != place_.root;
}

Finding ProcessHygiene::compare_memory() {
  // Put back, not compared: those of a task must not run for the next, and it takes no system call.
  std::set_new_handler(library_.on_lack_of_memory);
  std::set_terminate(library_.on_terminate);
  if (!environment_.unchanged()) return found(DiscardReason::environment, "the task changed an environment variable");
  if (library_.locale != ::setlocale(LC_ALL, nullptr) || library_.cpp_locale != std::locale()) {
    return found(DiscardReason::locale, "the task changed the locale");
  }
  if (streams_.formats.lost_sync())
    return found(DiscardReason::streams, "the task called std::ios::sync_with_stdio(false)");
  return {};
}

Finding ProcessHygiene::compare_resources(std::uint64_t in_hand) {
  if (limits_.changed()) return found(DiscardReason::resource_limits, "the task changed a resource limit");
  if (now_.placement != home_.placement) {
    return found(DiscardReason::scheduling, "the task changed the CPUs that it may use");
  }
  if (present_scheduling() != pace_.scheduling) {
    return found(DiscardReason::scheduling, "the task changed its priority or scheduling class");
  }
  if (!pace_.latency.restore()) {
    return found(DiscardReason::scheduling, "the task changed its timer slack or I/O priority for good");
  }
  if (now_.identity != home_.identity) {
    return found(DiscardReason::identity, "the task changed its user, group, session or capabilities");
  }
  if (death_signal() != SIGKILL) {
    return found(DiscardReason::parent_death_signal, "the task would outlive its supervisor");
  }
  return shortage_.judge(now_, in_hand);
}

}  // namespace flame::slot
