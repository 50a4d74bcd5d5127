// A runner's stdout and stderr: passed on line by line, with the last lines kept for the error when it dies early.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace flame::backends {

/// Cuts a byte stream into lines and keeps its end. Pure: bytes in, whole lines out.
class OutputLines {
 public:
  /// Bytes of the stream's end that tail() keeps, and the longest line that is held back before it is passed on cut.
  static constexpr std::size_t kTailMax = 2048;
  static constexpr std::size_t kLineMax = 16 * 1024;

  /// Adds bytes; returns the lines they complete, each with its newline.
  [[nodiscard]] std::string add(std::string_view bytes);
  /// The stream has ended: the unfinished last line, with a newline, or nothing.
  [[nodiscard]] std::string finish();
  /// The last lines, without a trailing newline; starts at a line's begin where it can.
  [[nodiscard]] std::string tail() const;

 private:
  std::string partial_;
  std::string tail_;
};

}  // namespace flame::backends
