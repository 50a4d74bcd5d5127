// What may be written to where: terminals, colours, widths.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include "plugin_sdk/base/unique_fd.hpp"

namespace flame::cli {

enum class Style { bold, dim, red, green, yellow };

/// Standard output did not take all that was to be written: what was asked for is incomplete. main() reports it.
class OutputError : public std::runtime_error {
 public:
  /// `number`: an errno; ECANCELED when the command was interrupted while it wrote.
  explicit OutputError(int number);
  [[nodiscard]] int number() const noexcept { return number_; }

 private:
  int number_;
};

/// One of the process's output streams. For one thread at a time.
class Terminal {
 public:
  /// `fd`: 1 or 2. Colours only on a terminal, and not when NO_COLOR is set to anything or TERM is "dumb" or unset.
  /// `stop_fd`: writing is given up when it becomes readable; -1 for never.
  explicit Terminal(int fd, int stop_fd = -1);

  [[nodiscard]] bool is_terminal() const noexcept { return is_terminal_; }
  /// Whether a line can be written over: a terminal that is not dumb.
  [[nodiscard]] bool can_redraw() const noexcept { return can_redraw_; }
  /// Whether escape codes are wanted.
  [[nodiscard]] bool colours() const noexcept { return colours_; }
  [[nodiscard]] int columns() const;  ///< 80 when unknown
  /// `text` in this style, or as it is where colours are off.
  [[nodiscard]] std::string styled(Style style, std::string_view text) const;
  /// Writes everything, however slow the reader is. Throws OutputError.
  void write(std::string_view text) const;
  /// The same; returns 0 or an errno (ECANCELED: stopped). For messages that nobody can be told to have lost.
  int try_write(std::string_view text) const noexcept;

 private:
  [[nodiscard]] long write_some(std::string_view text) const noexcept;
  [[nodiscard]] int wait_for_room() const noexcept;

  int fd_;
  int stop_fd_;
  bool is_terminal_;
  bool can_redraw_;
  bool colours_;
  bool is_socket_;
  bool may_block_;            // pipes and terminals: a write may wait for the reader for ever
  base::UniqueFd unblocked_;  // the same pipe or terminal, not blocking and not shared with other processes
};

/// Text of unknown origin for a terminal: control bytes other than newline and tab become "?".
[[nodiscard]] std::string printable(std::string_view text);

/// Descriptors 0 to 2 that were closed when this program was started lead to where using them fails (0 and 1) or is
/// pointless (2): no file that is opened later can be taken for standard input or output. Call it before anything else.
void guard_standard_streams();

/// Asks the file system for errors that it tells only when a file is closed (NFS, quotas). Throws OutputError.
void settle_standard_output();

}  // namespace flame::cli
