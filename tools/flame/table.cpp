// Layout of tables.
#include "tools/flame/table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

namespace flame::cli {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kIndent = "  ";
constexpr std::string_view kGap = "  ";

std::string two_units(Duration duration, Duration large, const char* large_name, Duration small,
                      const char* small_name) {
  const auto first = duration / large;
  const auto second = (duration % large) / small;
  return second == 0 ? fmt::format("{} {}", first, large_name)
                     : fmt::format("{} {} {} {}", first, large_name, second, small_name);
}

}  // namespace

std::string approximate(Duration duration) {
  duration = std::max(duration, Duration::zero());
  const double seconds = std::chrono::duration<double>(duration).count();
  if (duration < 1ms) return fmt::format("{:.0f} us", seconds * 1e6);
  if (duration < 10ms) return fmt::format("{:.1f} ms", seconds * 1e3);
  if (duration < 1s) return fmt::format("{:.0f} ms", seconds * 1e3);
  if (duration < 1min) return fmt::format("{:.1f} s", seconds);
  if (duration < 1h) return two_units(duration, 1min, "min", 1s, "s");
  if (duration < 24h) return two_units(duration, 1h, "h", 1min, "min");
  return two_units(duration, 24h, "d", 1h, "h");
}

std::string one_line(std::string_view text) {
  std::string line = printable(text);
  std::ranges::replace_if(
      line, [](char c) { return c == '\n' || c == '\t'; }, ' ');
  return line;
}

std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

std::string Table::text(const Terminal& terminal) const {
  std::vector<std::size_t> widths;
  for (const auto& name : head_) widths.push_back(width(name));
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size() && i < widths.size(); ++i) {
      widths[i] = std::max(widths[i], width(row[i].text));
    }
  }
  std::string out;
  const auto line = [&](const std::vector<Cell>& cells) {
    std::string text(kIndent);
    std::size_t owed = 0;  // spaces before the next text; none at the end of the line
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const Cell& cell = cells[i];
      if (!cell.text.empty()) {
        text += std::string(std::exchange(owed, 0), ' ');
        text += cell.styled ? terminal.styled(cell.style, cell.text) : cell.text;
      }
      owed += widths[i] - width(cell.text) + kGap.size();
    }
    out += text + "\n";
  };
  std::vector<Cell> head;
  for (const auto& name : head_) head.emplace_back(name, Style::dim);
  line(head);
  for (const auto& row : rows_) line(row);
  return out;
}

}  // namespace flame::cli
