// Requests as JSON.
#include "host/src/control/request.hpp"

#include <utility>

#include "host/src/control/json.hpp"

namespace flame::control {
namespace {

Error wrong(std::string message) {
  return Error{.code = ErrorCode::invalid_argument,
               .message = std::move(message) + R"(; a right one is {"flame": 1, "ask": "status"} or )"
                                               R"({"flame": 1, "ask": "why", "invocation": 17})"};
}

Result<Request> parse_status(const Json& json) {
  StatusRequest request;
  const auto pool = json.find("pool");
  if (pool == json.end()) return Request(std::move(request));
  if (!pool->is_string()) return wrong("\"pool\" is no string");
  request.pool = pool->get<std::string>();
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

}  // namespace

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
  return wrong("\"ask\" is neither \"status\" nor \"why\"");
}

std::string encode_request(const Request& request) {
  Json json{{"flame", kVersion}};
  if (const auto* status = std::get_if<StatusRequest>(&request)) {
    json["ask"] = "status";
    if (!status->pool.empty()) json["pool"] = status->pool;
    return json_line(json);
  }
  const auto& why = std::get<WhyRequest>(request);
  json["ask"] = "why";
  switch (why.which) {
    case WhyRequest::Which::number:
      json["invocation"] = why.invocation;
      break;
    case WhyRequest::Which::last:
      json["invocation"] = "last";
      break;
    case WhyRequest::Which::failed:
      json["invocation"] = "failed";
      break;
  }
  return json_line(json);
}

}  // namespace flame::control
