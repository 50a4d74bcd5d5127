// Texts of errors.
#include <flame/error.hpp>

#include <array>
#include <cstring>
#include <utility>

#include <flame/result.hpp>

namespace flame {
namespace {

constexpr std::array<std::string_view, 16> kNames = {
    "none",         "task_failed",      "crashed",     "out_of_memory", "timed_out", "queue_timed_out",
    "queue_full",   "cancelled",        "boot_failed", "runner_lost",   "not_found", "signature_mismatch",
    "incompatible", "invalid_argument", "too_large",   "shutting_down"};
static_assert(kNames.size() == static_cast<std::size_t>(ErrorCode::shutting_down) + 1);

std::string how_it_died(const Error& error) {
  if (error.signal != 0) {
    const char* name = ::sigdescr_np(error.signal);
    return (name == nullptr ? std::string("killed") : std::string(name)) + " (signal " + std::to_string(error.signal) +
           ")";
  }
  if (error.exit_code >= 0) return "exit code " + std::to_string(error.exit_code);
  return {};
}

void append(std::string& text, std::string_view separator, std::string_view part) {
  if (part.empty()) return;
  text += separator;
  text += part;
}

// A runner's message tells its signal itself, in a sentence.
bool tells(std::string_view message, const Error& error) {
  const std::string end = error.signal != 0 ? "(signal " + std::to_string(error.signal) + ")"
                                            : "exit code " + std::to_string(error.exit_code);
  return message.find(end) != std::string_view::npos;
}

// One line: what a task threw may hold any text.
std::string one_line(std::string text) {
  for (char& c : text) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  return text;
}

}  // namespace

std::string_view to_string(ErrorCode code) noexcept {
  const auto index = static_cast<std::size_t>(code);
  return index < kNames.size() ? kNames[index] : "unknown";
}

std::string Error::to_string() const {
  std::string text(flame::to_string(code));
  const std::string death = code == ErrorCode::crashed ? how_it_died(*this) : std::string();
  append(text, ": ", type);
  if (!tells(message, *this)) append(text, ": ", death);
  append(text, ": ", message);
  append(text, " in ", plugin);
  append(text, " on runner ", runner);
  if (invocation != 0) text += " (invocation " + std::to_string(invocation) + ")";
  return one_line(std::move(text));
}

CallError::CallError(Error error) : error_(std::move(error)), what_(error_.to_string()) {}
CallError::~CallError() = default;

void throw_exception_from_error(const Error& error, const boost::source_location& /*where*/) {
  throw CallError(error);
}

}  // namespace flame
