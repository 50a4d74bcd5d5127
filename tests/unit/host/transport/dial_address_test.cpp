// Which address runners get.
#include "host/src/transport/dial_address.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "plugin_sdk/base/limits.hpp"

namespace flame::pool {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

const Endpoints kIpc{{"ipc:///run/control.ipc"}, {"ipc:///run/bulk.ipc"}};
const Endpoints kTcp{{"tcp://10.0.0.7:1"}, {"tcp://10.0.0.7:2"}};
const Endpoints kNone;
const Reach kHere{.ipc = true, .addresses = {}};
const Reach kElsewhere;

std::vector<std::string> control(const Reach& reach, const Endpoints& ipc, const Endpoints& tcp) {
  return endpoints_for(reach, "auto", ipc, tcp).value().control;
}

TEST(DialAddress, ARunnerOfThisMachineDialsIpcAloneWhereTheHostListensOnBoth) {
  EXPECT_EQ(control(kHere, kIpc, kTcp), kIpc.control);
  EXPECT_EQ(control(kHere, kNone, kTcp), kTcp.control);
  EXPECT_EQ(control(kElsewhere, kIpc, kTcp), kTcp.control);
  EXPECT_EQ(endpoints_for(kHere, "auto", kIpc, kTcp)->bulk, kIpc.bulk);
}

TEST(DialAddress, ThereIsNoneForAMachineElsewhereIfTheHostHasOnlyIpc) {
  const auto endpoints = endpoints_for(kElsewhere, "auto", kIpc, kNone);
  ASSERT_FALSE(endpoints);
  EXPECT_EQ(endpoints.error().code, ErrorCode::invalid_argument);
  EXPECT_THAT(endpoints.error().message, HasSubstr("[host] listen"));
}

TEST(DialAddress, IsTheBoundOneWhenNothingElseIsSaid) {
  EXPECT_EQ(dial_address("", "tcp://10.0.0.7:4711"), "tcp://10.0.0.7:4711");
  EXPECT_EQ(dial_address("", "tcp://[fd00::7]:4711"), "tcp://[fd00::7]:4711");
  for (const char* advertise : {"auto", ""}) {
    EXPECT_THAT(endpoints_for(kElsewhere, advertise, kNone, kTcp)->control, ElementsAre("tcp://10.0.0.7:1"));
  }
}

TEST(DialAddress, OfEveryAddressIsThisMachine) {
  for (const char* bound : {"tcp://[::]:4711", "tcp://0.0.0.0:4711", "tcp://*:4711"}) {
    EXPECT_EQ(dial_address("", bound), "tcp://127.0.0.1:4711") << bound;
  }
}

TEST(DialAddress, IsWhatTheBackendSaysThatTheMachineSees) {
  const Endpoints all{{"tcp://[::]:1"}, {"tcp://[::]:2"}};
  const Reach fly{.ipc = false, .addresses = {"fdaa:0:1::3", "10.0.0.7"}};
  const auto endpoints = endpoints_for(fly, "auto", kIpc, all);
  ASSERT_TRUE(endpoints);
  EXPECT_THAT(endpoints->control, ElementsAre("tcp://[fdaa:0:1::3]:1", "tcp://10.0.0.7:1"));
  EXPECT_THAT(endpoints->bulk, ElementsAre("tcp://[fdaa:0:1::3]:2", "tcp://10.0.0.7:2"));
  const Reach too_long{.ipc = false, .addresses = {std::string(300, 'x'), ""}};
  EXPECT_THAT(control(too_long, kIpc, all), ElementsAre("tcp://127.0.0.1:1")) << "no name on the wire";
}

TEST(DialAddress, FurtherAddressesAreIgnored) {
  const Reach many{.ipc = false, .addresses = std::vector<std::string>(limits::kReachAddressesMax + 1, "10.0.0.9")};
  EXPECT_THAT(control(many, kNone, kTcp), SizeIs(limits::kReachAddressesMax));
  Endpoints ports;
  for (std::size_t i = 0; i < limits::kEndpointsMax; ++i) {
    ports.control.push_back(kTcp.control[0]);
    ports.bulk.push_back(kTcp.bulk[0]);
  }
  EXPECT_THAT(control(many, kNone, ports), SizeIs(limits::kEndpointsMax));
}

TEST(DialAddress, IsTheAdvertisedOneBeforeAll) {
  const Reach fly{.ipc = false, .addresses = {"fdaa:0:1::3"}};
  const Endpoints any{{"tcp://0.0.0.0:4711"}, {"tcp://0.0.0.0:4712"}};
  EXPECT_THAT(endpoints_for(fly, "web-1.internal", kIpc, any)->control, ElementsAre("tcp://web-1.internal:4711"));
  EXPECT_EQ(dial_address("fd00::7", "tcp://[::]:4711"), "tcp://[fd00::7]:4711");
  EXPECT_EQ(dial_address("[fd00::7]", "tcp://[::]:4711"), "tcp://[fd00::7]:4711");
}

}  // namespace
}  // namespace flame::pool
