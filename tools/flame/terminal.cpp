// Writing to the process's output streams.
#include "tools/flame/terminal.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace flame::cli {
namespace {

constexpr int kWriteRetryMs = 10;

bool is_dumb() {
  const char* term = std::getenv("TERM");
  return term == nullptr || *term == '\0' || std::string_view(term) == "dumb";
}

bool colours_wanted() {
  const char* none = std::getenv("NO_COLOR");
  return none == nullptr || *none == '\0';
}

mode_t kind_of(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 ? status.st_mode & S_IFMT : 0;
}

// O_NONBLOCK on `fd` itself would reach every process that shares it, so the file is opened once more. -1 where that
// is not allowed (another user's pipe).
int open_unblocked(int fd) {
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  return ::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

const char* code(Style style) {
  switch (style) {
    case Style::bold:
      return "1";
    case Style::dim:
      return "2";
    case Style::red:
      return "31";
    case Style::green:
      return "32";
    case Style::yellow:
      return "33";
  }
  return "0";
}

}  // namespace

OutputError::OutputError(int number)
    : std::runtime_error("cannot write standard output: " + std::string(std::strerror(number))), number_(number) {}

Terminal::Terminal(int fd, int stop_fd)
    : fd_(fd),
      stop_fd_(stop_fd),
      is_terminal_(::isatty(fd) == 1),
      can_redraw_(is_terminal_ && !is_dumb()),
      colours_(can_redraw_ && colours_wanted()),
      is_socket_(kind_of(fd) == S_IFSOCK),
      may_block_(is_terminal_ || kind_of(fd) == S_IFIFO) {
  if (stop_fd_ >= 0 && may_block_) unblocked_.reset(open_unblocked(fd));
}

int Terminal::columns() const {
  winsize size{};
  return ::ioctl(fd_, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

std::string Terminal::styled(Style style, std::string_view text) const {
  if (!colours_) return std::string(text);
  return "\x1b[" + std::string(code(style)) + "m" + std::string(text) + "\x1b[0m";
}

void Terminal::write(std::string_view text) const {
  if (const int error = try_write(text); error != 0) throw OutputError(error);
}

int Terminal::try_write(std::string_view text) const noexcept {
  bool full = false;
  while (!text.empty()) {
    if (stop_fd_ >= 0) {
      if (const int error = wait_for_room(); error != 0) return error;
    }
    const auto wrote = write_some(text);
    if (wrote > 0) {
      text.remove_prefix(static_cast<std::size_t>(wrote));
      full = false;
    } else if (wrote == 0) {
      return EIO;
    } else if (errno == EAGAIN) {
      if (const int error = wait_for_room(); error != 0) return error;
      // A terminal with room for one byte is writable, but a newline is two.
      if (std::exchange(full, true)) ::poll(nullptr, 0, kWriteRetryMs);
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

long Terminal::write_some(std::string_view text) const noexcept {
  if (is_socket_) {
    const int wait = stop_fd_ >= 0 ? MSG_DONTWAIT : 0;
    return ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL | wait);
  }
  if (unblocked_) return ::write(unblocked_.get(), text.data(), text.size());
  // What poll() says to be writable takes so much without waiting.
  const bool careful = stop_fd_ >= 0 && may_block_;
  return ::write(fd_, text.data(), careful ? std::min<std::size_t>(text.size(), PIPE_BUF) : text.size());
}

// 0 when the stream takes more or has an error to tell, else ECANCELED.
int Terminal::wait_for_room() const noexcept {
  while (true) {
    std::array<pollfd, 2> fds{
        {{.fd = fd_, .events = POLLOUT, .revents = 0}, {.fd = stop_fd_, .events = POLLIN, .revents = 0}}};
    if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR && errno != EAGAIN) return errno;
    if (fds[0].revents != 0) return 0;
    if (fds[1].revents != 0) return ECANCELED;
  }
}

std::string printable(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f) c = '?';
  }
  return out;
}

void guard_standard_streams() {
  // Of the wrong direction on purpose: reading and writing fail with EBADF, as if the descriptor were closed.
  constexpr std::array<int, 3> kModes = {O_WRONLY, O_RDONLY, O_RDWR};
  for (int fd = 0; fd < 3; ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0 || errno != EBADF) continue;
    int opened = ::open("/dev/null", kModes[static_cast<std::size_t>(fd)]);
    if (opened < 0) opened = ::open("/", O_PATH | O_DIRECTORY);  // no /dev here
    if (opened != fd) ::_exit(127);
  }
}

void settle_standard_output() {
  const int copy = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
  if (copy >= 0 && ::close(copy) != 0 && errno != EINTR) throw OutputError(errno);
}

}  // namespace flame::cli
