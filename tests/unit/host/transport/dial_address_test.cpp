// Which address runners get.
#include "host/src/transport/dial_address.hpp"

#include <gtest/gtest.h>

#include <string>

namespace flame::pool {
namespace {

TEST(DialAddress, ARunnerOfThisMachineDialsIpcAloneWhereTheHostListensOnBoth) {
  const Endpoints ipc{{"ipc:///run/control.ipc"}, {"ipc:///run/bulk.ipc"}};
  const Endpoints tcp{{"tcp://10.0.0.7:1"}, {"tcp://10.0.0.7:2"}};
  const Endpoints none;
  EXPECT_EQ(endpoints_for(true, ipc, tcp).control, ipc.control);
  EXPECT_EQ(endpoints_for(true, none, tcp).control, tcp.control);
  EXPECT_EQ(endpoints_for(false, ipc, tcp).control, tcp.control);
  EXPECT_EQ(endpoints_for(false, ipc, none).control, ipc.control);
  EXPECT_EQ(endpoints_for(true, ipc, tcp).bulk, ipc.bulk);
}

TEST(DialAddress, IsTheBoundOneWhenNothingElseIsSaid) {
  EXPECT_EQ(dial_address("auto", "", "tcp://10.0.0.7:4711"), "tcp://10.0.0.7:4711");
  EXPECT_EQ(dial_address("", "", "tcp://[fd00::7]:4711"), "tcp://[fd00::7]:4711");
}

TEST(DialAddress, OfEveryAddressIsThisMachine) {
  for (const char* bound : {"tcp://[::]:4711", "tcp://0.0.0.0:4711", "tcp://*:4711"}) {
    EXPECT_EQ(dial_address("auto", "", bound), "tcp://127.0.0.1:4711") << bound;
  }
}

TEST(DialAddress, IsThePrivateOneOnFly) {
  EXPECT_EQ(dial_address("auto", "fdaa:0:1::3", "tcp://[::]:4711"), "tcp://[fdaa:0:1::3]:4711");
  EXPECT_EQ(dial_address("auto", std::string(300, 'x'), "tcp://[::]:4711"), "tcp://127.0.0.1:4711")
      << "no name on the wire";
}

TEST(DialAddress, IsTheAdvertisedOneBeforeAll) {
  EXPECT_EQ(dial_address("web-1.internal", "fdaa:0:1::3", "tcp://0.0.0.0:4711"), "tcp://web-1.internal:4711");
  EXPECT_EQ(dial_address("fd00::7", "", "tcp://[::]:4711"), "tcp://[fd00::7]:4711");
  EXPECT_EQ(dial_address("[fd00::7]", "", "tcp://[::]:4711"), "tcp://[fd00::7]:4711");
}

}  // namespace
}  // namespace flame::pool
