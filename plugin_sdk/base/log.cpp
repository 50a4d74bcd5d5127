// Formats lines with spdlog; a LineWriter brings them to stderr.
#include "plugin_sdk/base/log.hpp"

#include <spdlog/details/log_msg.h>
#include <spdlog/details/os.h>
#include <spdlog/pattern_formatter.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <mutex>

#include "plugin_sdk/base/line_writer.hpp"

namespace flame::base {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (is_control(c)) {
      out += "\\x";
      out += kHex[static_cast<unsigned char>(c) >> 4];
      out += kHex[static_cast<unsigned char>(c) & 15];
    } else {
      out += c;
    }
  }
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t special = std::min(text.find_first_of("\"\\", begin), text.size());
    append_escaped(out, text.substr(begin, special - begin));
    if (special < text.size()) {
      out += '\\';
      out += text[special];
    }
    begin = special + 1;
  }
  out += '"';
}

bool names_a_secret(std::string_view key) {
  static constexpr std::array<std::string_view, 4> kWords{"secret", "token", "password", "private"};
  return std::any_of(kWords.begin(), kWords.end(),
                     [&](std::string_view word) { return key.find(word) != std::string_view::npos; });
}

void append_field(std::string& out, const Field& field) {
  out += ' ';
  out += field.key;
  out += '=';
  if (names_a_secret(field.key)) {
    out += "***";
    return;
  }
  const bool plain = !field.value.empty() && std::none_of(field.value.begin(), field.value.end(), [](char c) {
    return c == ' ' || c == '"' || c == '=' || c == '\\' || is_control(c);
  });
  plain ? void(out += field.value) : append_quoted(out, field.value);
}

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

const char* color_of(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return "\033[36m";
    case LogLevel::info:
      return "\033[32m";
    case LogLevel::warning:
      return "\033[33m\033[1m";
    case LogLevel::error:
      return "\033[31m\033[1m";
  }
  return "";
}

bool is_colored() {
  return std::getenv("NO_COLOR") == nullptr && spdlog::details::os::in_terminal(stderr) &&
         spdlog::details::os::is_color_terminal();
}

class StderrSink final : public LogSink {
 public:
  explicit StderrSink(std::string name)
      : name_(std::move(name)),
        colored_(is_colored()),
        writer_(STDERR_FILENO, [this](std::uint64_t lines) { return drop_notice(lines); }) {}

  void write(LogLevel level, std::string_view line) noexcept override try {
    writer_.write(format(level, line));
  } catch (...) {  // A log that cannot be written is no reason to disturb the program, nor to write about it.
  }
  void flush(std::chrono::nanoseconds most) noexcept override { writer_.flush(most); }

 private:
  std::string format(LogLevel level, std::string_view line) {
    const spdlog::details::log_msg message(name_, to_spdlog(level), spdlog::string_view_t(line.data(), line.size()));
    spdlog::memory_buf_t text;
    const std::lock_guard lock(mutex_);
    formatter_.format(message, text);
    std::string formatted(text.data(), text.size());
    if (colored_) {
      formatted.insert(message.color_range_end, "\033[m");
      formatted.insert(message.color_range_start, color_of(level));
    }
    return formatted;
  }
  std::string drop_notice(std::uint64_t lines) {
    return format(LogLevel::warning, std::to_string(lines) + " lines dropped: standard error was not read");
  }

  const std::string name_;
  const bool colored_;
  std::mutex mutex_;
  spdlog::pattern_formatter formatter_{"%Y-%m-%d %H:%M:%S.%e %^%-7l%$ [%n] %v"};
  LineWriter writer_;  // last: its thread uses the rest
};

}  // namespace

Field::Field(std::string_view k, double v) : key(k) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.6g", v);
  value = text.data();
}

Logger Logger::with(const Field& field) const {
  Logger copy = *this;
  append_field(copy.context_, field);
  return copy;
}

void Logger::log(LogLevel level, std::string_view message, std::initializer_list<Field> fields) const {
  if (!enabled(level)) return;
  std::string line;
  line.reserve(message.size() + context_.size() + 32 * fields.size());
  append_escaped(line, message);
  line += context_;
  for (const Field& field : fields) append_field(line, field);
  sink_->write(level, line);
}

std::shared_ptr<LogSink> stderr_sink(std::string name) {
  return std::make_shared<StderrSink>(std::move(name));
}

}  // namespace flame::base
