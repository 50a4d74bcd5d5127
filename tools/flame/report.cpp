// Errors and results as text and as JSON.
#include "tools/flame/report.hpp"

#include <unistd.h>

#include <sstream>
#include <utility>

namespace flame::cli {
namespace {

const char* started_name(Started started) {
  switch (started) {
    case Started::no:
      return "no";
    case Started::yes:
      return "yes";
    case Started::unknown:
      break;
  }
  return "unknown";
}

// Only these codes leave open whether the task had effects.
bool start_matters(ErrorCode code) {
  return code == ErrorCode::timed_out || code == ErrorCode::cancelled || code == ErrorCode::runner_lost;
}

std::string indented(std::string_view text) {
  std::istringstream lines{printable(text)};
  std::string out;
  for (std::string line; std::getline(lines, line);) out += "  " + line + "\n";
  return out;
}

}  // namespace

Json error_to_json(const Error& error) {
  Json out{{"code", to_string(error.code)}};
  if (!error.type.empty()) out["type"] = error.type;
  out["message"] = error.message;
  if (!error.where.empty()) out["where"] = error.where;
  if (!error.log_tail.empty()) out["log_tail"] = error.log_tail;
  if (error.signal != 0) out["signal"] = error.signal;
  if (error.exit_code >= 0) out["exit_code"] = error.exit_code;
  if (error.collateral) out["collateral"] = true;
  if (start_matters(error.code)) out["started"] = started_name(error.started);
  if (!error.runner.empty()) out["runner"] = error.runner;
  if (!error.plugin.empty()) out["plugin"] = error.plugin;
  if (error.invocation != 0) out["invocation"] = error.invocation;
  if (error.usage.wall_ns > 0) {
    out["usage"] = {{"wall_ns", error.usage.wall_ns},
                    {"user_ns", error.usage.user_ns},
                    {"system_ns", error.usage.system_ns},
                    {"peak_memory", error.usage.peak_memory}};
  }
  return out;
}

Json success(Json result) {
  Json out{{"ok", true}};
  out["result"] = std::move(result);
  return out;
}

Json failure(const Error& error) {
  return Json{{"ok", false}, {"error", error_to_json(error)}};
}

std::string json_line(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

void print_error(const Error& error, bool json, int stop_fd) {
  if (json) {
    Terminal(STDOUT_FILENO, stop_fd).write(json_line(failure(error)));
    return;
  }
  const Terminal out(STDERR_FILENO, stop_fd);
  // A command's own errors need no code in front: their sentence says it all.
  std::string text = error.runner.empty() && error.type.empty() ? error.message : error.to_string();
  if (text == error.message && error.invocation != 0) text += " (invocation " + std::to_string(error.invocation) + ")";
  std::string lines =
      out.styled(Style::red, "flame:") + " " + printable(text.empty() ? error.to_string() : text) + "\n";
  for (const auto& frame : error.where) lines += out.styled(Style::dim, indented(frame));
  if (!error.log_tail.empty()) lines += "last output of the call:\n" + out.styled(Style::dim, indented(error.log_tail));
  out.try_write(lines);
}

Error usage_error(std::string message) {
  return Error{.code = ErrorCode::invalid_argument, .message = std::move(message)};
}

}  // namespace flame::cli
