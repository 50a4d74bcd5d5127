// Formats lines; spdlog brings them to stderr.
#include "plugin_sdk/base/log.hpp"

#include <spdlog/logger.h>
#include <spdlog/sinks/ansicolor_sink.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

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

class StderrSink final : public LogSink {
 public:
  explicit StderrSink(std::string name) : logger_(std::move(name), make_sink()) {
    logger_.set_level(spdlog::level::trace);
    logger_.flush_on(spdlog::level::trace);
    logger_.set_pattern("%Y-%m-%d %H:%M:%S.%e %^%-7l%$ [%n] %v");
    // A log that cannot be written is no reason to disturb the program, nor to write about it.
    logger_.set_error_handler([](const std::string&) {});
  }
  void write(LogLevel level, std::string_view line) noexcept override {
    logger_.log(to_spdlog(level), spdlog::string_view_t(line.data(), line.size()));
  }

 private:
  static spdlog::sink_ptr make_sink() {
    const bool plain = std::getenv("NO_COLOR") != nullptr;
    return std::make_shared<spdlog::sinks::ansicolor_stderr_sink_mt>(plain ? spdlog::color_mode::never
                                                                           : spdlog::color_mode::automatic);
  }
  spdlog::logger logger_;
};

}  // namespace

std::string_view to_string(LogLevel level) noexcept {
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
