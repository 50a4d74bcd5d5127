// See log.hpp.
#include "runner/os/log.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <string>

#include "plugin_sdk/base/line_writer.hpp"

namespace flame::runner {
namespace {

// Of the lines that are not wanted none is made.
bool wanted(LogLevel level) {
  static const std::string choice = [] {
    const char* value = std::getenv("FLAME_RUNNER_LOG");
    return std::string(value == nullptr ? "" : value);
  }();
  return level == LogLevel::debug ? choice == "debug" : level == LogLevel::error || choice != "error";
}

std::string format(LogLevel level, std::string_view text) {
  constexpr std::size_t kLineMax = 4000;  // below PIPE_BUF, so that lines of several processes do not mix
  std::string line = fmt::format("flame-runner[{}] {}: {}", ::getpid(), to_string(level), text.substr(0, kLineMax));
  std::transform(line.begin(), line.end(), line.begin(),
                 [](char c) { return static_cast<unsigned char>(c) < 32 ? ' ' : c; });
  line.push_back('\n');
  return line;
}

// Standard error is the process's, and so is who writes to it.
std::atomic<base::LineWriter*> background{nullptr};

}  // namespace

void log(LogLevel level, std::string_view text) {
  if (!wanted(level)) return;
  const std::string line = format(level, text);
  if (base::LineWriter* const writer = background.load()) return writer->write(line);
  [[maybe_unused]] const ssize_t ignored = ::write(STDERR_FILENO, line.data(), line.size());
}

struct BackgroundLog::Impl {
  base::LineWriter writer{STDERR_FILENO, [](std::uint64_t lines) {
                            return format(LogLevel::warning,
                                          fmt::format("{} lines dropped: standard error was not read", lines));
                          }};
};

BackgroundLog::BackgroundLog() : impl_(std::make_unique<Impl>()) {
  background.store(&impl_->writer);
}

BackgroundLog::~BackgroundLog() {
  background.store(nullptr);
}

}  // namespace flame::runner
