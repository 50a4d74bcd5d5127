// Requests to the control socket: what is understood, and what everything else is answered.
#include "host/src/control/request.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace flame::control {
namespace request_test {

using testing::HasSubstr;

Error refusal(std::string_view line) {
  const auto request = parse_request(line);
  return request ? Error{} : request.error();
}

TEST(ControlRequest, ReadsWhatItWrites) {
  const auto status = parse_request(R"({"flame": 1, "ask": "status", "pool": "ffmpeg", "of a later release": []})");
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(std::get<StatusRequest>(*status).pool, "ffmpeg");
  EXPECT_EQ(encode_request(*status), "{\"flame\":1,\"ask\":\"status\",\"pool\":\"ffmpeg\"}\n");
  const auto why = parse_request(encode_request(WhyRequest{.invocation = 18446744073709551615U}));
  ASSERT_TRUE(why.has_value());
  EXPECT_EQ(std::get<WhyRequest>(*why).invocation, 18446744073709551615U);
  for (const auto which : {WhyRequest::Which::last, WhyRequest::Which::failed}) {
    const auto convenient = parse_request(encode_request(WhyRequest{.which = which}));
    ASSERT_TRUE(convenient.has_value());
    EXPECT_EQ(std::get<WhyRequest>(*convenient).which, which);
  }
}

TEST(ControlRequest, AboutMachinesNamesOneAndItsBackend) {
  using Kind = MachinesRequest::Kind;
  const auto list = parse_request(encode_request(MachinesRequest{}));
  ASSERT_TRUE(list.has_value()) << list.error().message;
  EXPECT_EQ(std::get<MachinesRequest>(*list).kind, Kind::list);
  for (const Kind kind : {Kind::log, Kind::destroy}) {
    const auto one = parse_request(
        encode_request(MachinesRequest{.kind = kind, .backend = "fly", .machine = "flame-a-1", .id = "i1"}));
    ASSERT_TRUE(one.has_value()) << one.error().message;
    const auto& request = std::get<MachinesRequest>(*one);
    EXPECT_EQ(request.kind, kind);
    EXPECT_EQ(request.backend, "fly");
    EXPECT_EQ(request.machine, "flame-a-1");
    EXPECT_EQ(request.id, "i1");
  }
}

TEST(ControlRequest, OfAChangeHasItsOptions) {
  const std::string line =
      R"({"flame":1,"ask":"activate","plugin":"video@1.5.0","pool":"ffmpeg","force":true,"drain_within_ns":1000})"
      "\n";
  const auto activate = parse_request(line);
  ASSERT_TRUE(activate.has_value()) << activate.error().message;
  const auto& change = std::get<ChangeRequest>(*activate);
  EXPECT_EQ(change.kind, ChangeRequest::Kind::activate);
  EXPECT_EQ(change.options.pool, "ffmpeg");
  EXPECT_TRUE(change.options.force);
  EXPECT_EQ(Duration(change.options.drain_within), Duration(1000));
  EXPECT_EQ(encode_request(*activate), line);
  EXPECT_EQ(describe(change), "activate video@1.5.0");
}

TEST(ControlRequest, OfAChangeNeedsNoMoreThanThePlugin) {
  const auto rollback =
      parse_request(R"({"flame": 1, "ask": "rollback", "plugin": "video", "pool": "", "force": false})");
  ASSERT_TRUE(rollback.has_value());
  const auto& change = std::get<ChangeRequest>(*rollback);
  EXPECT_EQ(change.kind, ChangeRequest::Kind::rollback);
  EXPECT_EQ(Duration(change.options.drain_within), kForever);
  EXPECT_EQ(encode_request(*rollback), "{\"flame\":1,\"ask\":\"rollback\",\"plugin\":\"video\"}\n");
  const auto longest =
      parse_request(R"({"flame": 1, "ask": "rollback", "plugin": "video", "drain_within_ns": 18446744073709551615})");
  ASSERT_TRUE(longest.has_value());
  EXPECT_EQ(Duration(std::get<ChangeRequest>(*longest).options.drain_within), kForever);
}

TEST(ControlRequest, OfAnOperationHasItsNumber) {
  const auto request = parse_request(encode_request(OperationRequest{.number = 18446744073709551615U}));
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(std::get<OperationRequest>(*request).number, 18446744073709551615U);
}

TEST(ControlRequest, RefusesGarbageWithAnExampleOfARightOne) {
  for (const std::string_view garbage : {"",
                                         "x",
                                         "{",
                                         "[]",
                                         "17",
                                         "null",
                                         "{}",
                                         R"({"flame": "1"})",
                                         R"({"flame": 1})",
                                         R"({"flame": 1, "ask": 3})",
                                         R"({"flame": 1, "ask": "shutdown"})",
                                         R"({"flame": 1, "ask": "status", "pool": 4})",
                                         R"({"flame": 1, "ask": "why"})",
                                         R"({"flame": 1, "ask": "why", "invocation": -1})",
                                         R"({"flame": 1, "ask": "why", "invocation": 1.5})",
                                         R"({"flame": 1, "ask": "why", "invocation": "first"})",
                                         R"({"flame": 1, "ask": "activate"})",
                                         R"({"flame": 1, "ask": "activate", "plugin": ""})",
                                         R"({"flame": 1, "ask": "activate", "plugin": 3})",
                                         R"({"flame": 1, "ask": "activate", "plugin": "v", "pool": 3})",
                                         R"({"flame": 1, "ask": "rollback", "plugin": "v", "force": "yes"})",
                                         R"({"flame": 1, "ask": "rollback", "plugin": "v", "drain_within_ns": -1})",
                                         R"({"flame": 1, "ask": "operation"})",
                                         R"({"flame": 1, "ask": "machine_log", "backend": "fly"})",
                                         R"({"flame": 1, "ask": "destroy_machine", "machine": "flame-a-1"})",
                                         R"({"flame": 1, "ask": "destroy_machine", "backend": 3, "machine": "m"})",
                                         R"({"flame": 1, "ask": "operation", "number": "3"})",
                                         "\xff\xfe",
                                         R"({"flame": 1, "ask": "status", "pool": "\ud800"})"}) {
    const Error error = refusal(garbage);
    EXPECT_EQ(error.code, ErrorCode::invalid_argument) << garbage;
    EXPECT_THAT(error.message, HasSubstr(R"({"flame": 1, "ask": "status"})")) << garbage;
  }
}

TEST(ControlRequest, RefusesAnotherVersion) {
  EXPECT_EQ(refusal(R"({"flame": 2, "ask": "status"})").code, ErrorCode::incompatible);
  EXPECT_EQ(refusal(R"({"flame": -1, "ask": "status"})").code, ErrorCode::incompatible);
  EXPECT_EQ(refusal(R"({"flame": 18446744073709551615})").code, ErrorCode::incompatible);
}

TEST(ControlRequest, SurvivesDeepNesting) {
  EXPECT_EQ(refusal(std::string(4096, '[')).code, ErrorCode::invalid_argument);
  EXPECT_EQ(refusal(std::string(2048, '[') + std::string(2048, ']')).code, ErrorCode::invalid_argument);
}

}  // namespace request_test
}  // namespace flame::control
