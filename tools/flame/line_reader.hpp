// Standard input line by line, given up at once when the command is interrupted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace flame::cli {

struct InputLine {
  std::uint64_t number = 0;  ///< from 1, blank lines included
  std::string text;          ///< without its newline
  bool too_long = false;     ///< over the limit; `text` is empty then
};

/// Reads a descriptor that it does not own.
class LineReader {
 public:
  static constexpr std::size_t kLineMax = std::size_t{1} << 30;

  /// `stop_fd`: reading ends when it becomes readable; -1 for none.
  LineReader(int fd, int stop_fd, std::size_t line_max = kLineMax);

  /// The next line that is not blank; nullopt at the end, on a read error, and when stopped.
  [[nodiscard]] std::optional<InputLine> next();

 private:
  [[nodiscard]] bool fill();
  [[nodiscard]] InputLine take(std::size_t length, std::size_t skip);

  int fd_;
  int stop_fd_;
  std::size_t line_max_;
  std::string buffer_;
  std::size_t searched_ = 0;  // bytes of buffer_ known to hold no newline
  std::uint64_t number_ = 0;
  bool dropping_ = false;  // inside a line that is too long
  bool ended_ = false;
};

/// Lines that next() would give for the rest of `fd`, when that is a regular file; the file offset does not move.
[[nodiscard]] std::optional<std::uint64_t> count_lines(int fd);

}  // namespace flame::cli
