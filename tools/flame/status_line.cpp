// Drawing of the status line.
#include "tools/flame/status_line.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "tools/flame/table.hpp"

namespace flame::cli {
namespace {

constexpr int kBarColumns = 30;

// UTF-8 continuation bytes take no column.
bool continues(char c) {
  return (static_cast<unsigned char>(c) & 0xc0U) == 0x80U;
}

std::string cut(std::string_view text, int columns) {
  std::string out;
  int used = 0;
  for (const char c : printable(text)) {
    if (c == '\n') break;
    if (!continues(c) && ++used >= columns) break;
    out += c;
  }
  return out;
}

}  // namespace

std::string bar(double fraction, int columns) {
  const int inner = std::max(columns - 2, 1);
  const double clamped = std::isnan(fraction) ? 0.0 : std::clamp(fraction, 0.0, 1.0);
  const int full = static_cast<int>(std::lround(clamped * inner));
  std::string text(static_cast<std::size_t>(full), '=');
  if (full > 0 && full < inner) text.back() = '>';
  return "[" + text + std::string(static_cast<std::size_t>(inner - full), ' ') + "]";
}

StatusLine::StatusLine(int stop_fd) : terminal_(STDERR_FILENO, stop_fd) {}

void StatusLine::show(std::string_view text) {
  if (!can_redraw()) return;
  const std::lock_guard lock(mutex_);
  auto line = cut(text, terminal_.columns());
  if (line == status_) return;
  erase_locked();
  status_ = std::move(line);
  draw_locked();
}

void StatusLine::progress(double fraction, std::string_view message) {
  show(fmt::format("{} {:3.0f} % {}", bar(fraction, kBarColumns), std::clamp(fraction, 0.0, 1.0) * 100, message));
}

void StatusLine::print(std::string_view text) {
  if (text.empty()) return;
  const std::lock_guard lock(mutex_);
  erase_locked();
  std::string lines(text);
  if (lines.back() != '\n') lines += '\n';
  terminal_.try_write(lines);
  draw_locked();
}

void StatusLine::print_output(std::string_view text) {
  if (terminal_.is_terminal()) return print(printable(text));
  print(text);
}

void StatusLine::clear() {
  const std::lock_guard lock(mutex_);
  erase_locked();
  status_.clear();
}

void StatusLine::erase_locked() {
  if (status_.empty()) return;
  terminal_.try_write(terminal_.colours() ? "\r\x1b[K" : "\r" + std::string(width(status_), ' ') + "\r");
}

void StatusLine::draw_locked() {
  if (!status_.empty()) terminal_.try_write(status_);
}

}  // namespace flame::cli
