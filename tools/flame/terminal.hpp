// What may be written to where: terminals, colours, widths.
#pragma once

#include <string>
#include <string_view>

namespace flame::cli {

enum class Style { bold, dim, red, green, yellow };

/// One of the process's output streams.
class Terminal {
 public:
  /// `fd`: 1 or 2. Colours only on a terminal, and not when NO_COLOR is set to anything or TERM is "dumb".
  explicit Terminal(int fd);

  [[nodiscard]] bool is_terminal() const noexcept { return is_terminal_; }
  [[nodiscard]] int columns() const;  ///< 80 when unknown
  /// `text` in this style, or as it is where colours are off.
  [[nodiscard]] std::string styled(Style style, std::string_view text) const;
  /// Writes everything. False once the reader is gone.
  bool write(std::string_view text) const;

 private:
  int fd_;
  bool is_terminal_;
  bool colours_;
};

/// Text of unknown origin for a terminal: control bytes other than newline and tab become "?".
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace flame::cli
