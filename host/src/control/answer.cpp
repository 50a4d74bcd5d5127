// Encoding and decoding of answers.
#include "host/src/control/answer.hpp"

#include <algorithm>
#include <utility>

#include "host/src/control/request.hpp"
#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/make_error.hpp"

namespace flame {
BOOST_DESCRIBE_STRUCT(DiscardCount, (), (reason, count))
BOOST_DESCRIBE_STRUCT(PoolStats, (),
                      (runners, booting, draining, slots_busy, slots_held, waiting, min, max, submitted, succeeded,
                       failed, retried, boots, boots_failed, runners_lost, discards))
}  // namespace flame

namespace flame::control {

BOOST_DESCRIBE_STRUCT(PluginStatus, (), (plugin, digest, forkable, error))
BOOST_DESCRIBE_STRUCT(RunnerStatus, (),
                      (name, state, slots_busy, slots, isolation, machine, age, session_age, idle, silent, plugins,
                       facts, children, tracked))
BOOST_DESCRIBE_STRUCT(BootStatus, (), (runner, state, asked_ago, machine, hello, ready, failed, reason))
BOOST_DESCRIBE_STRUCT(LineStatus, (), (plugin, active, digest, previous, candidate, waits_for))
BOOST_DESCRIBE_STRUCT(PoolStatus, (),
                      (name, backend, isolation, max_concurrency, stats, oldest_wait, next_boot, boot_failure, lines,
                       runners, boots, children, tracked))
BOOST_DESCRIBE_STRUCT(HostStatus, (), (name, pid, version, uptime, pools))
BOOST_DESCRIBE_STRUCT(CallLine, (), (after, what, runner, text))
BOOST_DESCRIBE_STRUCT(CallReport, (),
                      (host, pid, invocation, pool, task, plugin, state, outcome, submitted_ago, left_out, lines))

namespace {

// Its code in words and its message: what an error of the socket itself consists of.
Json error_object(const Error& error) {
  return {{"code", flame::to_string(error.code)}, {"message", error.message}};
}

Error error_from(const Json& json) {
  std::string code;
  Error error{.code = ErrorCode::incompatible};
  if (const auto found = json.find("code"); found != json.end()) read_json(*found, code);
  if (const auto found = json.find("message"); found != json.end()) read_json(*found, error.message);
  for (int i = 1; i <= static_cast<int>(ErrorCode::shutting_down); ++i) {
    if (flame::to_string(static_cast<ErrorCode>(i)) == code) error.code = static_cast<ErrorCode>(i);
  }
  if (error.message.empty()) error.message = "the host refused the request and did not say why";
  return error;
}

Json answer_object(const Answer& answer) {
  Json json{{"flame", kVersion}, {"ok", answer.has_value()}};
  if (!answer) {
    json["error"] = error_object(answer.error());
  } else if (const auto* status = std::get_if<HostStatus>(&*answer)) {
    json["status"] = to_object(*status);
  } else {
    json["call"] = to_object(std::get<CallReport>(*answer));
  }
  return json;
}

}  // namespace

Json to_object(const HostStatus& status) {
  return write_json(status);
}
Json to_object(const CallReport& report) {
  return write_json(report);
}

std::string encode_answer(const Answer& answer) {
  std::string line = json_line(answer_object(answer));
  if (line.size() <= limits::kControlAnswerMax) return line;
  return json_line(answer_object(base::make_error(
      ErrorCode::too_large,
      "the answer is larger than " + std::to_string(limits::kControlAnswerMax) + " bytes; ask for one pool")));
}

Answer decode_answer(std::string_view line) {
  const Json json = Json::parse(line, nullptr, false);
  if (json.is_discarded() || !json.is_object())
    return base::make_error(ErrorCode::incompatible, "what answered is no host of this library");
  int version = 0;
  if (const auto found = json.find("flame"); found != json.end()) read_json(*found, version);
  if (version != kVersion) {
    return base::make_error(ErrorCode::incompatible, "the host speaks version " + std::to_string(version) +
                                                         " of the control protocol; use the `flame` of its release");
  }
  if (const auto status = json.find("status"); status != json.end()) {
    HostStatus value;
    read_json(*status, value);
    return value;
  }
  if (const auto call = json.find("call"); call != json.end()) {
    CallReport value;
    read_json(*call, value);
    return value;
  }
  if (const auto error = json.find("error"); error != json.end() && error->is_object()) return error_from(*error);
  return base::make_error(ErrorCode::incompatible, "the host's answer has none of \"status\", \"call\" and \"error\"");
}

}  // namespace flame::control
