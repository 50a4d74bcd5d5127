// Text tables and figures for people.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <flame/options.hpp>

#include "tools/flame/terminal.hpp"

namespace flame::cli {

/// "850 us", "12 ms", "3.4 s", "2 min 5 s", "3 h 12 min", "4 d 3 h". Negative ones count as 0.
[[nodiscard]] std::string approximate(Duration duration);

/// Text of unknown origin as one line: newlines and tabs become spaces, control bytes "?".
[[nodiscard]] std::string one_line(std::string_view text);

/// Columns of a text, as far as one character is one column: UTF-8 continuation bytes take none.
[[nodiscard]] std::size_t width(std::string_view text);

/// Rows of cells, aligned by column. Cells are made harmless for a terminal; colours are for whole cells.
class Table {
 public:
  struct Cell {
    Cell(std::string t) : text(one_line(t)) {}  // NOLINT(google-explicit-constructor)
    Cell(const char* t) : text(t) {}            // NOLINT(google-explicit-constructor)
    Cell(std::string t, Style s) : text(one_line(t)), style(s), styled(true) {}
    std::string text;
    Style style = Style::dim;
    bool styled = false;
  };
  explicit Table(std::vector<std::string> head) : head_(std::move(head)) {}
  /// As many cells as the head has.
  void add(std::vector<Cell> row) { rows_.push_back(std::move(row)); }
  [[nodiscard]] bool empty() const noexcept { return rows_.empty(); }
  /// Each line indented by two columns, newline included; no spaces at ends.
  [[nodiscard]] std::string text(const Terminal& terminal) const;

 private:
  std::vector<std::string> head_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace flame::cli
