// Reading of lines with poll().
#include "tools/flame/line_reader.hpp"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>

namespace flame::cli {
namespace {

bool blank(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isspace(c) != 0; });
}

constexpr ssize_t kStopped = -ECANCELED;

// Waits for what `fd` has: bytes, 0 at its end, a negative errno, or kStopped.
ssize_t read_some(int fd, int stop_fd, std::span<char> chunk) {
  while (true) {
    std::array<pollfd, 2> fds{
        {{.fd = fd, .events = POLLIN, .revents = 0}, {.fd = stop_fd, .events = POLLIN, .revents = 0}}};
    if (::poll(fds.data(), fds.size(), -1) < 0 && errno == EINTR) continue;
    if (fds[1].revents != 0) return kStopped;
    const auto got = ::read(fd, chunk.data(), chunk.size());
    if (got >= 0) return got;
    if (errno != EINTR && errno != EAGAIN) return -errno;
  }
}

}  // namespace

LineReader::LineReader(int fd, int stop_fd, std::size_t line_max) : fd_(fd), stop_fd_(stop_fd), line_max_(line_max) {}

std::optional<InputLine> LineReader::next() {
  while (true) {
    const auto newline = buffer_.find('\n', searched_);
    if (newline == std::string::npos) {
      searched_ = buffer_.size();
      if (buffer_.size() > line_max_) {
        dropping_ = true;
        buffer_.clear();
        searched_ = 0;
      }
      if (fill()) continue;
      if (!ended_ || error_ != 0 || (buffer_.empty() && !dropping_)) return std::nullopt;
    }
    const bool last = newline == std::string::npos;
    auto line = take(last ? buffer_.size() : newline, last ? 0 : 1);
    if (line.too_long || !blank(line.text)) return line;
  }
}

InputLine LineReader::take(std::size_t length, std::size_t skip) {
  InputLine line{.number = ++number_};
  line.too_long = std::exchange(dropping_, false) || length > line_max_;
  if (!line.too_long) line.text = buffer_.substr(0, length);
  buffer_.erase(0, length + skip);
  searched_ = 0;
  return line;
}

bool LineReader::fill() {
  if (ended_) return false;
  std::array<char, 64 * 1024> chunk;
  const auto got = read_some(fd_, stop_fd_, chunk);
  if (got > 0) {
    buffer_.append(chunk.data(), static_cast<std::size_t>(got));
    return true;
  }
  ended_ = got != kStopped;
  if (got < 0 && got != kStopped) error_ = static_cast<int>(-got);
  return false;
}

Error input_error(int number) {
  return Error{.code = ErrorCode::invalid_argument,
               .message = "cannot read standard input: " + std::string(std::strerror(number)) + "."};
}

Result<std::string> read_input(int fd, int stop_fd, std::size_t limit) {
  std::string text;
  std::array<char, 64 * 1024> chunk;
  while (true) {
    const auto got = read_some(fd, stop_fd, chunk);
    if (got == 0) return text;
    if (got == kStopped) return Error{.code = ErrorCode::cancelled, .message = "interrupted while reading."};
    if (got < 0) return input_error(static_cast<int>(-got));
    text.append(chunk.data(), static_cast<std::size_t>(got));
    if (text.size() > limit) {
      return Error{.code = ErrorCode::too_large,
                   .message = "standard input is longer than the limit of " + std::to_string(limit) + " bytes."};
    }
  }
}

std::optional<std::uint64_t> count_lines(int fd) {
  struct stat status {};
  off_t at = ::lseek(fd, 0, SEEK_CUR);
  if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || at < 0) return std::nullopt;
  std::array<char, 64 * 1024> chunk;
  std::uint64_t count = 0;
  bool has_text = false;
  for (ssize_t got = 0; (got = ::pread(fd, chunk.data(), chunk.size(), at)) > 0; at += got) {
    for (const char c : std::string_view(chunk.data(), static_cast<std::size_t>(got))) {
      if (c == '\n') {
        count += has_text ? 1 : 0;
        has_text = false;
      } else if (std::isspace(static_cast<unsigned char>(c)) == 0) {
        has_text = true;
      }
    }
  }
  return count + (has_text ? 1 : 0);
}

}  // namespace flame::cli
