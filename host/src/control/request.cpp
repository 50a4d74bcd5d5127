// Requests as JSON.
#include "host/src/control/request.hpp"

#include <cstdint>
#include <limits>
#include <utility>

#include "host/src/control/json.hpp"

namespace flame::control {
namespace {

Error wrong(std::string message) {
  return Error{.code = ErrorCode::invalid_argument,
               .message = std::move(message) + R"(; a right one is {"flame": 1, "ask": "status"} or )"
                                               R"({"flame": 1, "ask": "activate", "plugin": "video@1.5.0"})"};
}

// An empty text if it is all right; what is missing is.
template <class T>
std::string read_member(const Json& json, const char* key, bool (Json::*fits)() const noexcept, T& value) {
  const auto found = json.find(key);
  if (found == json.end()) return {};
  if (!((*found).*fits)()) return std::string("\"") + key + "\" is not of its type";
  value = found->get<T>();
  return {};
}

Result<Request> parse_status(const Json& json) {
  StatusRequest request;
  if (auto problem = read_member(json, "pool", &Json::is_string, request.pool); !problem.empty())
    return wrong(std::move(problem));
  return Request(std::move(request));
}

Result<Request> parse_why(const Json& json) {
  const auto invocation = json.find("invocation");
  if (invocation == json.end()) return wrong("\"invocation\" is missing");
  if (invocation->is_number_unsigned()) return Request(WhyRequest{.invocation = invocation->get<std::uint64_t>()});
  const std::string word = invocation->is_string() ? invocation->get<std::string>() : "";
  if (word == "last") return Request(WhyRequest{.which = WhyRequest::Which::last});
  if (word == "failed") return Request(WhyRequest{.which = WhyRequest::Which::failed});
  return wrong(R"("invocation" is neither a number nor "last" nor "failed")");
}

Result<Request> parse_change(const Json& json, ChangeRequest::Kind kind) {
  constexpr auto kLongest = std::numeric_limits<std::int64_t>::max();
  ChangeRequest request{.kind = kind, .plugin = {}, .options = {}};
  ActivateOptions& options = request.options;
  std::uint64_t drain_within = kLongest;
  for (auto problem : {read_member(json, "plugin", &Json::is_string, request.plugin),
                       read_member(json, "pool", &Json::is_string, options.pool),
                       read_member(json, "force", &Json::is_boolean, options.force),
                       read_member(json, "drain_within_ns", &Json::is_number_unsigned, drain_within)}) {
    if (!problem.empty()) return wrong(std::move(problem));
  }
  if (request.plugin.empty()) return wrong("\"plugin\" is missing");
  if (drain_within < kLongest) options.drain_within = Duration(static_cast<std::int64_t>(drain_within));
  return Request(std::move(request));
}

Result<Request> parse_operation(const Json& json) {
  const auto number = json.find("number");
  if (number == json.end() || !number->is_number_unsigned()) return wrong("\"number\" is missing, or no number");
  return Request(OperationRequest{.number = number->get<std::uint64_t>()});
}

Result<Request> parse_machines(const Json& json, MachinesRequest::Kind kind) {
  MachinesRequest request{.kind = kind, .backend = {}, .machine = {}, .id = {}};
  for (auto problem : {read_member(json, "backend", &Json::is_string, request.backend),
                       read_member(json, "machine", &Json::is_string, request.machine),
                       read_member(json, "id", &Json::is_string, request.id)}) {
    if (!problem.empty()) return wrong(std::move(problem));
  }
  if (kind == MachinesRequest::Kind::list) return Request(std::move(request));
  if (request.backend.empty()) return wrong("\"backend\" is missing");
  if (request.machine.empty()) return wrong("\"machine\" is missing");
  return Request(std::move(request));
}

Json to_json(const StatusRequest& request) {
  Json json{{"flame", kVersion}, {"ask", "status"}};
  if (!request.pool.empty()) json["pool"] = request.pool;
  return json;
}

Json to_json(const WhyRequest& request) {
  Json json{{"flame", kVersion}, {"ask", "why"}};
  switch (request.which) {
    case WhyRequest::Which::number:
      json["invocation"] = request.invocation;
      break;
    case WhyRequest::Which::last:
      json["invocation"] = "last";
      break;
    case WhyRequest::Which::failed:
      json["invocation"] = "failed";
      break;
  }
  return json;
}

const char* name_of(ChangeRequest::Kind kind) {
  return kind == ChangeRequest::Kind::activate ? "activate" : "rollback";
}

Json to_json(const ChangeRequest& request) {
  const ActivateOptions& options = request.options;
  Json json{{"flame", kVersion}, {"ask", name_of(request.kind)}, {"plugin", request.plugin}};
  if (!options.pool.empty()) json["pool"] = options.pool;
  if (options.force) json["force"] = true;
  if (options.drain_within < kForever) json["drain_within_ns"] = Duration(options.drain_within).count();
  return json;
}

Json to_json(const OperationRequest& request) {
  return {{"flame", kVersion}, {"ask", "operation"}, {"number", request.number}};
}

Json to_json(const MachinesRequest& request) {
  using Kind = MachinesRequest::Kind;
  if (request.kind == Kind::list) return {{"flame", kVersion}, {"ask", "machines"}};
  Json json{{"flame", kVersion},
            {"ask", request.kind == Kind::log ? "machine_log" : "destroy_machine"},
            {"backend", request.backend},
            {"machine", request.machine}};
  if (!request.id.empty()) json["id"] = request.id;
  return json;
}

}  // namespace

std::string describe(const ChangeRequest& request) {
  return name_of(request.kind) + std::string(" ") + request.plugin;
}

Result<Request> parse_request(std::string_view line) {
  const Json json = Json::parse(line, nullptr, false);
  if (json.is_discarded() || !json.is_object()) return wrong("the request is no JSON object");
  const auto version = json.find("flame");
  if (version == json.end() || !version->is_number_integer()) return wrong("the version (\"flame\") is missing");
  if (version->get<std::int64_t>() != kVersion) {
    return Error{.code = ErrorCode::incompatible,
                 .message = "this host speaks version 1 of the control protocol; use the `flame` of its release"};
  }
  const auto ask = json.find("ask");
  const std::string what = ask != json.end() && ask->is_string() ? ask->get<std::string>() : "";
  if (what == "status") return parse_status(json);
  if (what == "why") return parse_why(json);
  if (what == "activate") return parse_change(json, ChangeRequest::Kind::activate);
  if (what == "rollback") return parse_change(json, ChangeRequest::Kind::rollback);
  if (what == "operation") return parse_operation(json);
  if (what == "machines") return parse_machines(json, MachinesRequest::Kind::list);
  if (what == "machine_log") return parse_machines(json, MachinesRequest::Kind::log);
  if (what == "destroy_machine") return parse_machines(json, MachinesRequest::Kind::destroy);
  return wrong(
      R"("ask" is none of "status", "why", "activate", "rollback", "operation", "machines", "machine_log" and )"
      R"("destroy_machine")");
}

std::string encode_request(const Request& request) {
  return std::visit([](const auto& one) { return json_line(to_json(one)); }, request);
}

}  // namespace flame::control
