// Progress of `flame map`.
#include "tools/flame/map_status.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace flame::cli {
namespace {

using namespace std::chrono_literals;

constexpr auto kTerminalInterval = 50ms;
constexpr auto kPlainInterval = 2s;
constexpr int kMapBarColumns = 30;

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// After what is done: those that failed count there, too.
std::string failures_among(std::uint64_t failed) {
  return failed > 0 ? fmt::format(" ({} of them failed)", failed) : ", none failed";
}

}  // namespace

void MapStatus::started(std::uint64_t item) {
  {
    const std::lock_guard lock(mutex_);
    running_[item] = 0;
  }
  draw();
}

void MapStatus::set_total(std::uint64_t total) {
  const std::lock_guard lock(mutex_);
  total_ = total;
}

void MapStatus::progress(std::uint64_t item, double fraction) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = running_.find(item);
    if (found == running_.end()) return;
    found->second = std::clamp(fraction, 0.0, 1.0);
  }
  draw();
}

void MapStatus::succeeded(std::uint64_t item) {
  {
    const std::lock_guard lock(mutex_);
    running_.erase(item);
    ++done_;
  }
  draw();
}

void MapStatus::failed(std::uint64_t item, const Error& error) {
  {
    const std::lock_guard lock(mutex_);
    running_.erase(item);
    ++done_;
    ++failed_;
  }
  const auto& terminal = line_.terminal();
  line_.print(terminal.styled(Style::red, "flame:") + fmt::format(" line {}: {}", item, printable(error.to_string())));
  draw();
}

void MapStatus::say(std::string_view text) {
  if (line_.can_redraw()) {
    line_.show(text);
  } else {
    line_.print(fmt::format("flame: {}", text));
  }
}

void MapStatus::close() {
  std::string last;
  {
    const std::lock_guard lock(mutex_);
    last = fmt::format("flame: {} done{}, {:.1f} s", done_, failures_among(failed_), seconds_since(begin_));
  }
  line_.clear();
  line_.print(last);
}

std::uint64_t MapStatus::failures() const {
  const std::lock_guard lock(mutex_);
  return failed_;
}

void MapStatus::draw() {
  std::string text;
  {
    const std::lock_guard lock(mutex_);
    const auto interval = line_.can_redraw() ? Clock::duration(kTerminalInterval) : Clock::duration(kPlainInterval);
    const auto time = Clock::now();
    // Elsewhere than on a terminal nothing is said about work that takes no time.
    const auto since = line_.can_redraw() ? drawn_ : std::max(drawn_, begin_);
    if (time - since < interval) return;
    drawn_ = time;
    text = text_locked();
  }
  line_.can_redraw() ? line_.show(text) : line_.print("flame: " + text);
}

std::string MapStatus::text_locked() const {
  double complete = static_cast<double>(done_);
  for (const auto& [item, fraction] : running_) complete += fraction;
  const std::string failures = failed_ > 0 ? failures_among(failed_) : "";
  const auto time = seconds_since(begin_);
  if (!total_) return fmt::format("{} done{}, {} running, {:.0f} s", done_, failures, running_.size(), time);
  const double fraction = *total_ > 0 ? complete / static_cast<double>(*total_) : 1.0;
  const std::string counts =
      fmt::format("{}/{} done{}, {} running, {:.0f} s", done_, *total_, failures, running_.size(), time);
  return line_.can_redraw() ? bar(fraction, kMapBarColumns) + fmt::format(" {:3.0f} % ", fraction * 100) + counts
                            : counts;
}

}  // namespace flame::cli
