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
BOOST_DESCRIBE_STRUCT(ActivateResult::Switched, (), (pool, from, to))
BOOST_DESCRIBE_STRUCT(ActivateResult::PassedOver, (), (pool, constraint, why))
BOOST_DESCRIBE_STRUCT(ActivateResult, (), (plugin, version, digest, switched, passed_over, recorded, notes))
}  // namespace flame

namespace flame::control {

BOOST_DESCRIBE_STRUCT(PluginStatus, (), (plugin, digest, forkable, error))
BOOST_DESCRIBE_STRUCT(RunnerStatus, (),
                      (name, backend, state, slots_busy, slots, isolation, machine, machine_name, age, session_age,
                       idle, ends_in, silent, plugins, facts, children, tracked))
BOOST_DESCRIBE_STRUCT(BootPhaseStatus, (), (phase, detail, after))
BOOST_DESCRIBE_STRUCT(BootStatus, (),
                      (runner, backend, state, asked_ago, machine, hello, ready, failed, reason, phases))
BOOST_DESCRIBE_STRUCT(LineStatus, (), (plugin, active, digest, previous, candidate, waits_for))
BOOST_DESCRIBE_STRUCT(PoolStatus, (),
                      (name, backend, isolation, max_concurrency, stats, oldest_wait, next_boot, boot_failure, full,
                       lines, runners, boots, children, tracked))
BOOST_DESCRIBE_STRUCT(HostStatus, (), (name, pid, version, uptime, pools))
BOOST_DESCRIBE_STRUCT(CallLine, (), (after, what, runner, text))
BOOST_DESCRIBE_STRUCT(CallReport, (),
                      (host, pid, invocation, pool, task, plugin, state, outcome, submitted_ago, left_out, lines))
BOOST_DESCRIBE_STRUCT(OperationStatus, (), (number, change, state, result))
BOOST_DESCRIBE_STRUCT(MachineStatus, (), (name, id, state, place, pool, host, owner, age, ends_in))
BOOST_DESCRIBE_STRUCT(BackendMachines, (), (backend, lists, error, left_out, machines))
BOOST_DESCRIBE_STRUCT(MachineList, (), (host, pid, backends))
BOOST_DESCRIBE_STRUCT(MachineReport, (), (machine, log))

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
  } else if (const auto* call = std::get_if<CallReport>(&*answer)) {
    json["call"] = to_object(*call);
  } else if (const auto* list = std::get_if<MachineList>(&*answer)) {
    json["machines"] = to_object(*list);
  } else if (const auto* machine = std::get_if<MachineReport>(&*answer)) {
    json["machine"] = write_json(*machine);
  } else {
    json["operation"] = write_json(std::get<OperationStatus>(*answer));
  }
  return json;
}

// The value under `key`; nullopt: there is none.
template <class T>
std::optional<T> read_value(const Json& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end()) return std::nullopt;
  T value;
  read_json(*found, value);
  return value;
}

}  // namespace

Json to_object(const HostStatus& status) {
  return write_json(status);
}
Json to_object(const CallReport& report) {
  return write_json(report);
}
Json to_object(const ActivateResult& result) {
  return write_json(result);
}
Json to_object(const MachineList& list) {
  return write_json(list);
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
  if (auto status = read_value<HostStatus>(json, "status")) return std::move(*status);
  if (auto call = read_value<CallReport>(json, "call")) return std::move(*call);
  if (auto operation = read_value<OperationStatus>(json, "operation")) return std::move(*operation);
  if (auto list = read_value<MachineList>(json, "machines")) return std::move(*list);
  if (auto machine = read_value<MachineReport>(json, "machine")) return std::move(*machine);
  if (const auto error = json.find("error"); error != json.end() && error->is_object()) return error_from(*error);
  return base::make_error(ErrorCode::incompatible,
                          "the host's answer has none of \"status\", \"call\", \"operation\", \"machines\", "
                          "\"machine\" and \"error\"");
}

}  // namespace flame::control
