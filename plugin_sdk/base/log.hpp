// Structured log lines: a Logger is a value that is passed around; there is no global one.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

namespace flame::base {

enum class LogLevel : std::uint8_t { debug = 0, info, warning, error };

/// "debug", "info", "warning", "error".
[[nodiscard]] constexpr std::string_view to_string(LogLevel level) noexcept {
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
  return "unknown";
}

/// Where lines go. write() is called from any thread, must not throw and must not wait; `line` has no newline and no
/// control bytes.
class LogSink {
 public:
  virtual ~LogSink() = default;
  virtual void write(LogLevel level, std::string_view line) noexcept = 0;
  /// Waits until what was written has arrived, for at most `most`.
  virtual void flush(std::chrono::nanoseconds /*most*/) noexcept {}
};

/// One `key=value` of a line. Values are quoted and escaped when they need it, so that no input can forge a line.
/// Secrets do not belong into logs; as a second net the value of a key whose name contains "secret", "token",
/// "password" or "private" is printed as ***.
struct Field {
  Field(std::string_view k, std::string_view v) : key(k), value(v) {}
  Field(std::string_view k, const char* v) : key(k), value(v) {}
  Field(std::string_view k, const std::string& v) : key(k), value(v) {}
  Field(std::string_view k, bool v) : key(k), value(v ? "true" : "false") {}
  Field(std::string_view k, double v);
  template <std::integral T>
  Field(std::string_view k, T v) : key(k), value(std::to_string(v)) {}

  std::string_view key;
  std::string value;
};

/// Cheap to copy. Usable from any thread. A default-made Logger discards everything.
class Logger {
 public:
  Logger() = default;
  /// Lines below `least` are dropped before they are formatted.
  explicit Logger(std::shared_ptr<LogSink> sink, LogLevel least = LogLevel::info)
      : sink_(std::move(sink)), least_(least) {}

  /// A logger whose lines all carry `field`, after those of this one.
  [[nodiscard]] Logger with(const Field& field) const;

  [[nodiscard]] bool enabled(LogLevel level) const noexcept { return sink_ != nullptr && level >= least_; }
  [[nodiscard]] LogLevel least() const noexcept { return least_; }

  /// Message first, then fields: `runner ready pool=ffmpeg runner=r-3`.
  void log(LogLevel level, std::string_view message, std::initializer_list<Field> fields = {}) const;
  void flush(std::chrono::nanoseconds most) const {
    if (sink_ != nullptr) sink_->flush(most);
  }
  void debug(std::string_view message, std::initializer_list<Field> fields = {}) const {
    log(LogLevel::debug, message, fields);
  }
  void info(std::string_view message, std::initializer_list<Field> fields = {}) const {
    log(LogLevel::info, message, fields);
  }
  void warning(std::string_view message, std::initializer_list<Field> fields = {}) const {
    log(LogLevel::warning, message, fields);
  }
  void error(std::string_view message, std::initializer_list<Field> fields = {}) const {
    log(LogLevel::error, message, fields);
  }

 private:
  std::shared_ptr<LogSink> sink_;
  LogLevel least_ = LogLevel::info;
  std::string context_;  // formatted fields of with()
};

/// Writes `2026-01-31 12:00:00.123 info  [name] line` to stderr; coloured when that is a terminal and NO_COLOR is
/// unset. From a thread of its own (LineWriter): a stderr that nobody reads stops nobody, but lines are dropped then
/// and counted. The last lines are written when the sink is destroyed, within limits::kLogFlushMax; a program that ends
/// by _exit() or a signal may lose them.
[[nodiscard]] std::shared_ptr<LogSink> stderr_sink(std::string name);

}  // namespace flame::base
