// Starts the command through base::spawn and reads its two streams.
#include "tests/integration/tools/command_run.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <stdexcept>

#include "plugin_sdk/base/file.hpp"
#include "plugin_sdk/base/spawn.hpp"

namespace flame::test {
namespace {

struct Pipe {
  base::UniqueFd read;
  base::UniqueFd write;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
  return {base::UniqueFd(ends[0]), base::UniqueFd(ends[1])};
}

Pipe make_terminal() {
  Pipe ends{.read = base::UniqueFd(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)), .write = {}};
  if (!ends.read || ::grantpt(ends.read.get()) != 0 || ::unlockpt(ends.read.get()) != 0) {
    throw std::runtime_error("posix_openpt");
  }
  std::array<char, 128> name{};
  if (::ptsname_r(ends.read.get(), name.data(), name.size()) != 0) throw std::runtime_error("ptsname_r");
  ends.write.reset(::open(name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC));
  return ends;
}

std::vector<std::string> environment_with(const std::vector<std::string>& more) {
  std::vector<std::string> all = more;
  for (const char* name : {"PATH", "HOME", "TMPDIR", "XDG_RUNTIME_DIR"}) {
    if (const char* value = std::getenv(name)) all.push_back(std::string(name) + "=" + value);
  }
  return all;
}

}  // namespace

CommandRun::CommandRun(const std::vector<std::string>& arguments, const std::string& input,
                       const std::vector<std::string>& environment, Errors errors) {
  auto out = make_pipe();
  auto err = errors == Errors::pipe ? make_pipe() : make_terminal();
  const auto in = base::sealed_memfd("input", input);
  const int in_fd = errors == Errors::terminal_and_input ? err.write.get() : in->get();
  std::vector<std::string> argv = {"flame"};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  auto spawned = base::spawn({.path = FLAME_COMMAND,
                              .argv = argv,
                              .env = environment_with(environment),
                              .fds = {{in_fd, 0}, {out.write.get(), 1}, {err.write.get(), 2}}});
  if (!spawned) throw std::runtime_error("cannot start " FLAME_COMMAND);
  pid_ = spawned->pid;
  pidfd_ = std::move(spawned->pidfd);
  out_ = std::move(out.read);
  err_ = std::move(err.read);
}

CommandRun::~CommandRun() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
}

void CommandRun::signal(int number) const {
  ::kill(pid_, number);
}

void CommandRun::type(const std::string& text) const {
  if (::write(err_.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    throw std::runtime_error("the terminal takes nothing");
  }
}

bool CommandRun::read_some(std::chrono::steady_clock::time_point deadline) {
  std::array<pollfd, 2> fds{
      {{.fd = out_.get(), .events = POLLIN, .revents = 0}, {.fd = err_.get(), .events = POLLIN, .revents = 0}}};
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
  if (left <= 0 || ::poll(fds.data(), fds.size(), static_cast<int>(left)) <= 0) return false;
  std::array<char, 65536> chunk;
  const std::array<std::pair<base::UniqueFd*, std::string*>, 2> streams{{{&out_, &result_.out}, {&err_, &result_.err}}};
  for (std::size_t i = 0; i < streams.size(); ++i) {
    if (fds[i].revents == 0) continue;
    const auto got = ::read(streams[i].first->get(), chunk.data(), chunk.size());
    if (got > 0) {
      streams[i].second->append(chunk.data(), static_cast<std::size_t>(got));
    } else {
      streams[i].first->reset();
    }
  }
  return out_ || err_;
}

bool CommandRun::wait_for_error_text(const std::string& text) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (result_.err.find(text) == std::string::npos) {
    if (!read_some(deadline)) return result_.err.find(text) != std::string::npos;
  }
  return true;
}

CommandResult CommandRun::finish(std::chrono::milliseconds deadline) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  while (read_some(end)) {
  }
  if (out_ || err_) ::kill(pid_, SIGKILL);
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  result_.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result_;
}

CommandResult flame_command(const std::vector<std::string>& arguments, const std::string& input) {
  return CommandRun(arguments, input).finish();
}

}  // namespace flame::test
