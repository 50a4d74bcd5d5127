// See demangler.hpp.
#include "runner/processes/demangler.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <utility>

#include "plugin_sdk/base/boot_time.hpp"
#include "plugin_sdk/base/clock.hpp"
#include "plugin_sdk/base/spawn.hpp"
#include "runner/os/log.hpp"

namespace flame::runner {
namespace {

constexpr std::size_t kMangledMax = 1024;
constexpr std::size_t kNamesMax = 64;  // together less than a pipe holds, so that writing them never blocks
constexpr std::size_t kAnswerMax = 256 * 1024;
constexpr auto kPatience = std::chrono::seconds(3);  // on a busy machine even a start takes half of one

bool worth_it(const std::string& name) {
  return name.starts_with("_Z") && name.size() < kMangledMax && name.find('\0') == std::string::npos;
}

struct Child {
  pid_t pid = -1;
  base::UniqueFd answers;
};

// The names are in the pipe before it starts, and its end follows them.
Child start(const std::string& program, const std::string& questions) {
  int to[2] = {-1, -1};
  int from[2] = {-1, -1};
  if (::pipe2(to, O_CLOEXEC) != 0) return {};
  const base::UniqueFd to_read(to[0]);
  base::UniqueFd to_write(to[1]);
  if (::pipe2(from, O_CLOEXEC) != 0) return {};
  base::UniqueFd from_read(from[0]);
  const base::UniqueFd from_write(from[1]);
  ::fcntl(to_write.get(), F_SETFL, O_NONBLOCK);
  const auto size = static_cast<ssize_t>(questions.size());
  if (::write(to_write.get(), questions.data(), questions.size()) != size) return {};
  to_write.reset();
  base::SpawnRequest request;
  request.path = program;
  request.argv = {program, "--names"};
  request.fds = {{to_read.get(), 0}, {from_write.get(), 1}};
  const auto spawned = base::spawn(request);
  if (spawned.has_error()) return {};
  return {spawned->pid, std::move(from_read)};
}

// What came until its end, the limit or the deadline; `in_time` tells the last apart.
std::string read_answers(int fd, bool& in_time) {
  const base::Instant until = base::deadline_after(base::boot_time(), kPatience);
  std::string text;
  std::array<char, 16 * 1024> piece;  // not zeroed
  while (text.size() < kAnswerMax) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(base::remaining(until, base::boot_time()));
    pollfd ready{fd, POLLIN, 0};
    in_time = left.count() > 0;
    if (!in_time) return text;
    if (::poll(&ready, 1, static_cast<int>(left.count())) <= 0) continue;
    const ssize_t count = ::read(fd, piece.data(), piece.size());
    if (count <= 0) return text;
    text.append(piece.data(), static_cast<std::size_t>(count));
  }
  return text;
}

}  // namespace

std::vector<std::string> Demangler::demangle(std::vector<std::string> names) {
  std::string questions;
  std::vector<std::string*> asked;
  for (std::string& name : names) {
    if (given_up_ || asked.size() == kNamesMax || !worth_it(name)) continue;
    questions.append(name).push_back('\0');
    asked.push_back(&name);
  }
  if (asked.empty()) return names;
  Child child = start(program_, questions);
  if (child.pid < 0) return names;
  bool in_time = true;
  const std::string answers = read_answers(child.answers.get(), in_time);
  if (!in_time) ::kill(child.pid, SIGKILL);
  int status = 0;
  while (::waitpid(child.pid, &status, 0) < 0 && errno == EINTR) continue;
  if (!in_time || WIFSIGNALED(status)) {
    given_up_ = true;
    log(LogLevel::warning, "a plugin's symbols cannot be demangled within bounds; its call stacks have mangled names");
  }
  std::size_t at = 0;
  for (std::string* name : asked) {
    const std::size_t end = answers.find('\0', at);
    if (end == std::string::npos) break;
    if (end > at) *name = answers.substr(at, end - at);
    at = end + 1;
  }
  return names;
}

}  // namespace flame::runner
