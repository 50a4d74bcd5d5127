// What `flame map` shows while it works: a bar on a terminal, now and then a line elsewhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include <flame/error.hpp>

#include "tools/flame/status_line.hpp"

namespace flame::cli {

/// [any thread]
class MapStatus {
 public:
  /// `stop_fd`: see StatusLine.
  MapStatus(std::optional<std::uint64_t> total, int stop_fd) : line_(stop_fd), total_(total), begin_(Clock::now()) {}

  void started(std::uint64_t item);
  void progress(std::uint64_t item, double fraction);
  void succeeded(std::uint64_t item);
  void failed(std::uint64_t item, const Error& error);
  /// What a task wrote.
  void print_output(std::string_view text) { line_.print_output(text); }
  /// The input has ended: so many items there are.
  void set_total(std::uint64_t total);
  /// Something other than items, e.g. "waiting for the pool to become idle".
  void say(std::string_view text);
  /// Removes the bar.
  void clear() { line_.clear(); }
  /// Removes the bar and prints the last line.
  void close();

  [[nodiscard]] std::uint64_t failures() const;

 private:
  using Clock = std::chrono::steady_clock;
  void draw();
  [[nodiscard]] std::string text_locked() const;

  StatusLine line_;
  mutable std::mutex mutex_;
  std::optional<std::uint64_t> total_;
  std::map<std::uint64_t, double> running_;  // item → fraction
  std::uint64_t done_ = 0;
  std::uint64_t failed_ = 0;
  Clock::time_point begin_;
  Clock::time_point drawn_{};
};

}  // namespace flame::cli
