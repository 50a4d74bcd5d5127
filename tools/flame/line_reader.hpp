// Standard input line by line, given up at once when the command is interrupted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include <flame/result.hpp>

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

  /// The next line that is not blank; nullopt at the end, on a read error, and when stopped. After a read error the
  /// part of a line that came before it is not given: it may be anything.
  [[nodiscard]] std::optional<InputLine> next();
  /// errno of the read error that ended the input, else 0.
  [[nodiscard]] int error() const noexcept { return error_; }

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
  int error_ = 0;
};

/// The rest of `fd`, at most `limit` bytes. Errors: invalid_argument "cannot read standard input: Is a directory.";
/// too_large; cancelled when `stop_fd` becomes readable first.
[[nodiscard]] Result<std::string> read_input(int fd, int stop_fd, std::size_t limit);

/// "cannot read standard input: Is a directory."
[[nodiscard]] Error input_error(int number);

/// Lines that next() would give for the rest of `fd`, when that is a regular file; the file offset does not move.
[[nodiscard]] std::optional<std::uint64_t> count_lines(int fd);

}  // namespace flame::cli
