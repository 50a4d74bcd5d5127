// Finds child processes that a call left.
#include "runner/slot/child_watch.hpp"

#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

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

}  // namespace

ChildWatch::ChildWatch() : children_("/proc/self/task/" + std::to_string(::syscall(SYS_gettid)) + "/children", "") {
  seen_ = list();
  helpers_ = numbers(seen_);
}

std::string ChildWatch::list() {
  std::array<char, kListMax> buffer;  // not zeroed
  return std::string(children_.read(buffer));
}

bool ChildWatch::child_left() {
  if (helpers_.empty()) return !reap_all();
  const std::string now = list();
  if (now == seen_) return false;
  for (const pid_t child : numbers(now)) {
    const bool helper = std::find(helpers_.begin(), helpers_.end(), child) != helpers_.end();
    if (!helper && !reap(child)) return true;
  }
  seen_ = list();
  return false;
}

}  // namespace flame::slot
