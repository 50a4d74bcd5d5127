// Finds child processes that a call left.
#include "runner/slot/child_watch.hpp"

#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <system_error>

namespace flame::slot {
namespace {

constexpr std::size_t kListMax = 16 * 1024;  // about 2,000 children

std::vector<pid_t> numbers(std::string_view text) {
  std::vector<pid_t> pids;
  pid_t pid = 0;
  for (const char* at = text.data(); at < text.data() + text.size();) {
    const auto [end, error] = std::from_chars(at, text.data() + text.size(), pid);
    if (error == std::errc()) pids.push_back(pid);
    at = std::max(end, at + 1);
  }
  return pids;
}

bool reap_all() {
  for (;;) {
    const pid_t child = ::waitpid(-1, nullptr, WNOHANG | __WALL);
    if (child == 0) return false;
    if (child < 0 && errno != EINTR) return true;
  }
}

bool reap(pid_t child) {
  for (;;) {
    const pid_t ended = ::waitpid(child, nullptr, WNOHANG | __WALL);
    if (ended == 0) return false;
    if (ended == child || errno != EINTR) return true;
  }
}

/// Running ones, and those that have ended and are still to be waited for, of any thread.
bool has_children() {
  siginfo_t info{};
  return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0 || errno != ECHILD;
}

/// Leaves its exit status to its owner.
bool runs(pid_t child) {
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0 &&
         info.si_pid == 0;
}

std::string list_of(ProcFile& children) {
  std::array<char, kListMax> buffer;  // not zeroed
  return std::string(children.read(buffer));
}

// The kernel keeps one list for each thread.
std::vector<pid_t> children_of_all_threads() {
  std::vector<pid_t> all;
  std::error_code error;
  for (std::filesystem::directory_iterator thread("/proc/self/task", error), end; !error && thread != end;
       thread.increment(error)) {
    ProcFile file(thread->path().string() + "/children", "");
    const std::vector<pid_t> pids = numbers(list_of(file));
    all.insert(all.end(), pids.begin(), pids.end());
  }
  return all;
}

}  // namespace

// The children of a thread that ends meanwhile become the main thread's, which is the slot's: it is read last.
ChildWatch::ChildWatch()
    : children_("/proc/self/task/" + std::to_string(::syscall(SYS_gettid)) + "/children", ""),
      helpers_(children_of_all_threads()) {
  seen_ = list_of(children_);
  const std::vector<pid_t> own = numbers(seen_);
  helpers_.insert(helpers_.end(), own.begin(), own.end());
}

bool ChildWatch::child_left(bool one_thread) {
  if (!helpers_.empty()) return own_left();
  if (one_thread || !children_.is_open()) return !reap_all();
  return has_children() && (own_left() || others_left());
}

bool ChildWatch::own_left() {
  const std::string now = list_of(children_);
  if (now == seen_) return false;
  for (const pid_t child : numbers(now)) {
    if (!is_helper(child) && !reap(child)) return true;
  }
  seen_ = list_of(children_);
  return false;
}

bool ChildWatch::others_left() const {
  const std::vector<pid_t> all = children_of_all_threads();
  return std::any_of(all.begin(), all.end(), [this](pid_t child) { return !is_helper(child) && runs(child); });
}

bool ChildWatch::is_helper(pid_t child) const {
  return std::find(helpers_.begin(), helpers_.end(), child) != helpers_.end();
}

}  // namespace flame::slot
