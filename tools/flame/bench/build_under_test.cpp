// Talking with another `flame bench`.
#include "tools/flame/bench/build_under_test.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <stdexcept>

#include "tools/flame/report.hpp"

extern char** environ;

namespace flame::bench {
namespace {

/// For one answer: the slowest row (a gigabyte, a model of 500 MB) takes seconds.
constexpr std::chrono::minutes kAnswerMax{3};
/// For its end, before it gets a signal, and then a stronger one.
constexpr std::chrono::seconds kEndMax{5};

std::vector<std::string> environment() {
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) all.emplace_back(*entry);
  return all;
}

base::Spawned start(const std::string& flame, std::vector<std::string> arguments, int in, int out) {
  const base::UniqueFd silence(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  arguments.insert(arguments.begin(), {"flame", "bench"});
  std::vector<base::FdMapping> fds = {{out, STDOUT_FILENO}, {silence.get(), STDERR_FILENO}};
  if (in >= 0) fds.push_back({in, STDIN_FILENO});
  auto spawned = base::spawn({.path = flame, .argv = std::move(arguments), .env = environment(), .fds = fds});
  if (!spawned) throw std::runtime_error("cannot start " + flame + ": " + spawned.error().message());
  return std::move(*spawned);
}

bool ended(const base::Spawned& process) {
  constexpr auto kLimit = std::chrono::milliseconds(kEndMax);
  pollfd entry{.fd = process.pidfd.get(), .events = POLLIN, .revents = 0};
  int ready = 0;
  while ((ready = ::poll(&entry, 1, static_cast<int>(kLimit.count()))) < 0 && errno == EINTR) continue;
  return ready == 1;
}

// A build that hangs is no reason to hang, too.
void end(const base::Spawned& process) {
  for (const int signal : {SIGTERM, SIGKILL}) {
    if (ended(process)) break;
    ::kill(process.pid, signal);
  }
  ::waitpid(process.pid, nullptr, 0);
}

// Appends what comes; false at the end. Throws when nothing comes for too long.
bool receive(int fd, std::string& text) {
  constexpr auto kLimit = std::chrono::milliseconds(kAnswerMax);
  pollfd entry{.fd = fd, .events = POLLIN, .revents = 0};
  if (::poll(&entry, 1, static_cast<int>(kLimit.count())) == 0) throw std::runtime_error("the build does not answer");
  std::array<char, 4096> chunk{};
  const auto got = ::read(fd, chunk.data(), chunk.size());
  if (got > 0) text.append(chunk.data(), static_cast<std::size_t>(got));
  return got > 0 || (got < 0 && errno == EINTR);
}

std::pair<base::UniqueFd, base::UniqueFd> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("cannot make a pipe");
  return {base::UniqueFd(ends[0]), base::UniqueFd(ends[1])};
}

Reading reading_of(const cli::Json& row) {
  return {.name = row.value("name", ""), .higher_is_better = row.value("better", "lower") == "higher"};
}

cli::Json parsed(const std::string& text) {
  auto answer = cli::parse_json(text);
  if (!answer || !answer->is_object()) throw std::runtime_error("the build does not know this row");
  if (answer->contains("error") && (*answer)["error"].is_string()) {
    throw std::runtime_error((*answer)["error"].get<std::string>());
  }
  return std::move(*answer);
}

}  // namespace

Result<std::string> find_flame(const std::string& build) {
  std::error_code ignored;
  for (const std::string& path : {build + "/bin/flame", build + "/flame", build}) {
    if (std::filesystem::is_regular_file(path, ignored) && ::access(path.c_str(), X_OK) == 0) {
      return std::filesystem::absolute(path).string();
    }
  }
  return Error{.code = ErrorCode::not_found,
               .message = "--against " + build +
                          ": there is no flame to run. Name a build or install directory (BUILD/bin/flame)."};
}

RoundsClient::RoundsClient(const std::string& flame, const std::string& row) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    throw std::runtime_error("cannot make a pair of sockets");
  }
  channel_.reset(ends[0]);
  base::UniqueFd theirs(ends[1]);
  process_ = start(flame, {"--rounds-of", row}, theirs.get(), theirs.get());
  theirs.reset();
  try {
    const auto answer = parsed(next_line());
    if (!answer.contains("rows")) throw std::runtime_error("the build does not serve rounds");
    for (const auto& entry : answer.at("rows")) rows_.push_back(reading_of(entry));
  } catch (...) {
    ::kill(process_.pid, SIGTERM);
    end(process_);
    throw;
  }
}

RoundsClient::~RoundsClient() {
  channel_.reset();
  end(process_);
}

double RoundsClient::round(std::size_t index) {
  const std::string line = std::to_string(index) + "\n";
  if (::send(channel_.get(), line.data(), line.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(line.size())) {
    throw std::runtime_error("the build has ended");
  }
  const auto answer = cli::parse_json(next_line());
  if (answer && answer->is_number()) return answer->get<double>();
  throw std::runtime_error(answer && answer->contains("error") ? (*answer)["error"].get<std::string>()
                                                               : "the build gave no figure");
}

std::string RoundsClient::next_line() {
  while (buffer_.find('\n') == std::string::npos) {
    if (!receive(channel_.get(), buffer_)) throw std::runtime_error("the build has ended");
  }
  const auto end = buffer_.find('\n');
  std::string line = buffer_.substr(0, end);
  buffer_.erase(0, end + 1);
  return line;
}

std::vector<Reading> run_quick(const std::string& flame, const std::string& row) {
  auto [from, their_out] = make_pipe();
  const auto process = start(flame, {"--quick", "--json", "--only", row}, -1, their_out.get());
  their_out.reset();
  std::string text;
  try {
    while (receive(from.get(), text)) {
    }
  } catch (...) {
    ::kill(process.pid, SIGTERM);
    end(process);
    throw;
  }
  end(process);
  const auto answer = parsed(text);
  if (!answer.contains("result")) throw std::runtime_error("the build does not know this row");
  std::vector<Reading> readings;
  for (const auto& figure : answer.at("result").at("figures")) {
    if (figure.contains("error")) throw std::runtime_error(figure["error"].get<std::string>());
    readings.push_back(reading_of(figure));
    // Beside a raw echo: the figure itself, whose neighbour is the other build's, not the echo.
    const auto& value = figure.contains("figure") ? figure["figure"] : figure["value"];
    readings.back().value = value.is_number() ? value.get<double>() : 0;
  }
  return readings;
}

}  // namespace flame::bench
