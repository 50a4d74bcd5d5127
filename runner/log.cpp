// See log.hpp.
#include "runner/log.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <string>

namespace flame::runner {
namespace {

bool debug_wanted() {
  const char* value = std::getenv("FLAME_RUNNER_LOG");
  return value != nullptr && std::string_view(value) == "debug";
}

const char* name_of(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return "debug";
    case LogLevel::info:
      return "info";
    case LogLevel::warning:
      return "warning";
    case LogLevel::error:
      return "error";
  }
  return "?";
}

}  // namespace

void log(LogLevel level, std::string_view text) {
  if (level == LogLevel::debug && !debug_wanted()) return;
  constexpr std::size_t kLineMax = 4000;  // below PIPE_BUF, so that lines of several processes do not mix
  std::string line = fmt::format("flame-runner[{}] {}: {}", ::getpid(), name_of(level), text.substr(0, kLineMax));
  std::transform(line.begin(), line.end(), line.begin(),
                 [](char c) { return static_cast<unsigned char>(c) < 32 ? ' ' : c; });
  line.push_back('\n');
  [[maybe_unused]] const ssize_t ignored = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace flame::runner
