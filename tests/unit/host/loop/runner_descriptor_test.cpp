// What a runner is told, by how its machine reaches the host.
#include "host/src/loop/runner_descriptor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "plugin_sdk/wire/envelope.hpp"
#include "tests/support/temp_dir.hpp"

namespace flame::pool {
namespace {

using testing::ElementsAre;

wire::Parent parent() {
  wire::Parent parent;
  parent.protocol_major = wire::kProtocolMajor;
  parent.runner = "work-1";
  parent.secret_key = std::string(40, 's');
  return parent;
}

RunnerDescriptor descriptor(const std::string& advertise = "auto") {
  return {parent(),
          {.ipc = {{"ipc:///run/control.ipc"}, {"ipc:///run/bulk.ipc"}},
           .tcp = {{"tcp://[::]:1"}, {"tcp://[::]:2"}},
           .advertise = advertise}};
}

wire::Parent told(const RunnerDescriptor& descriptor, const Reach& reach) {
  return wire::decode_parent(descriptor.bytes(reach).value()).value();
}

TEST(RunnerDescriptor, TellsWhereToDialByHowTheMachineReachesItsHost) {
  const wire::Parent here = told(descriptor(), {.ipc = true, .addresses = {}});
  EXPECT_THAT(here.control, ElementsAre("ipc:///run/control.ipc"));
  EXPECT_THAT(here.bulk, ElementsAre("ipc:///run/bulk.ipc"));
  EXPECT_EQ(here.runner, "work-1");
  EXPECT_EQ(here.secret_key, parent().secret_key);
  const Reach gateway{.ipc = false, .addresses = {"172.17.0.1"}};
  EXPECT_THAT(told(descriptor(), gateway).control, ElementsAre("tcp://172.17.0.1:1"));
  EXPECT_THAT(told(descriptor("web-1"), gateway).bulk, ElementsAre("tcp://web-1:2"));
}

TEST(RunnerDescriptor, IsTheSameForTheSameReach) {
  const RunnerDescriptor one = descriptor();
  EXPECT_EQ(one.bytes({}).value(), one.bytes({}).value());
}

TEST(RunnerDescriptor, CarriesTheSecretsOfTasksAsTheyWereWhenItWasFirstAsked) {
  const test::TempDir dir;
  const std::string file = dir.write("url", "postgres://u:hush@db\n");
  const RunnerDescriptor one(parent(), {.ipc = {{"ipc:///c"}, {"ipc:///b"}}, .tcp = {}, .advertise = "auto"},
                             {{"DATABASE_URL", Secret::from_file(file)}});
  const std::string bytes = one.bytes({.ipc = true, .addresses = {}}).value();
  const wire::Parent told = wire::decode_parent(bytes).value();
  ASSERT_EQ(told.secrets.size(), 1U);
  EXPECT_EQ(told.secrets[0].key, "DATABASE_URL");
  EXPECT_EQ(told.secrets[0].value, "postgres://u:hush@db");
  dir.write("url", "another");
  EXPECT_EQ(one.bytes({.ipc = true, .addresses = {}}).value(), bytes) << "who adopts a machine compares them";
}

TEST(RunnerDescriptor, ThatLacksASecretSaysWhich) {
  const RunnerDescriptor one(parent(), {.ipc = {{"ipc:///c"}, {"ipc:///b"}}, .tcp = {}, .advertise = "auto"},
                             {{"DATABASE_URL", Secret::from_file("/nonexistent/url")}});
  const auto bytes = one.bytes({.ipc = true, .addresses = {}});
  ASSERT_FALSE(bytes);
  EXPECT_EQ(bytes.error().code, ErrorCode::invalid_argument);
  EXPECT_THAT(bytes.error().message,
              testing::AllOf(testing::HasSubstr("DATABASE_URL"), testing::HasSubstr("/nonexistent/url")));
}

TEST(RunnerDescriptor, HasNothingForAMachineThatCannotReachTheHost) {
  const RunnerDescriptor only_ipc(parent(), {.ipc = {{"ipc:///c"}, {"ipc:///b"}}, .tcp = {}, .advertise = "auto"});
  const auto bytes = only_ipc.bytes({});
  ASSERT_FALSE(bytes);
  EXPECT_EQ(bytes.error().code, ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace flame::pool
