// Keeps log lines for assertions.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "plugin_sdk/base/log.hpp"

namespace flame::test {

/// Usable from any thread. `base::Logger(std::make_shared<MemoryLog>(), LogLevel::debug)`.
class MemoryLog final : public base::LogSink {
 public:
  void write(base::LogLevel level, std::string_view line) noexcept override {
    const std::lock_guard lock(mutex_);
    lines_.push_back(std::string(to_string(level)) + " " + std::string(line));
  }
  [[nodiscard]] std::vector<std::string> lines() const {
    const std::lock_guard lock(mutex_);
    return lines_;
  }
  [[nodiscard]] bool contains(std::string_view text) const {
    const std::lock_guard lock(mutex_);
    for (const auto& line : lines_) {
      if (line.find(text) != std::string::npos) return true;
    }
    return false;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

}  // namespace flame::test
