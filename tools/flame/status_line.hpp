// The last line of a terminal, rewritten in place; other text goes above it. Nothing where lines cannot be rewritten:
// on anything but a terminal, and on a dumb one.
#pragma once

#include <mutex>
#include <string>
#include <string_view>

#include "tools/flame/terminal.hpp"

namespace flame::cli {

/// Standard error as several threads use it. [any thread]
class StatusLine {
 public:
  /// Writing is given up when `stop_fd` becomes readable: a reader that stands still must not hold up the end.
  explicit StatusLine(int stop_fd = -1);
  ~StatusLine() { clear(); }
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;

  [[nodiscard]] bool can_redraw() const noexcept { return terminal_.can_redraw(); }
  [[nodiscard]] const Terminal& terminal() const noexcept { return terminal_; }

  /// Replaces the status, cut to the terminal's width. Ignored elsewhere.
  void show(std::string_view text);
  /// "[=====>    ] 50 % message".
  void progress(double fraction, std::string_view message);
  /// Prints lines above the status; adds a missing newline. The text may be styled.
  void print(std::string_view text);
  /// The same for text of unknown origin: control bytes are made harmless on a terminal.
  void print_output(std::string_view text);
  void clear();

 private:
  void erase_locked();
  void draw_locked();

  Terminal terminal_;
  std::mutex mutex_;
  std::string status_;  // what is on the screen now
};

/// "[======>     ]" of `columns` in all.
[[nodiscard]] std::string bar(double fraction, int columns);

}  // namespace flame::cli
