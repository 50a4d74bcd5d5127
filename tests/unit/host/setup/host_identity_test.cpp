// What a host says of itself on its machines.
#include "host/src/setup/host_identity.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

namespace flame::pool {
namespace {

using testing::MatchesRegex;
using testing::StartsWith;

TEST(HostIdentity, TwoHostsOfOneNameInOneProcessDifferInTheirRunAlone) {
  const HostIdentity one = host_identity("web-1");
  const HostIdentity two = host_identity("web-1");
  EXPECT_NE(one.run, two.run);
  EXPECT_EQ(one.host, two.host);
  EXPECT_EQ(one.origin, two.origin) << "this system says which boot and pid namespace this is";
  EXPECT_EQ(one.process, two.process);
}

TEST(HostIdentity, NamesTheProcessAndItsStart) {
  const std::string process = host_identity("web-1").process;
  EXPECT_THAT(process, StartsWith(std::to_string(::getpid()) + "-"));
  EXPECT_THAT(process, MatchesRegex("[0-9]+-[1-9][0-9]*")) << "a start time is known";
}

TEST(HostIdentity, AHostIsCalledAsItsConfigurationSaysOrAsItsComputer) {
  HostConfig config;
  config.name = "web-1";
  EXPECT_EQ(host_name(config), "web-1");
  char computer[256] = {};
  ASSERT_EQ(::gethostname(computer, sizeof computer - 1), 0);
  for (const char* automatic : {"auto", ""}) {
    config.name = automatic;
    EXPECT_EQ(host_name(config), computer) << automatic;
  }
}

TEST(HostIdentity, ANameThatNobodyHasChosenIsWarnedOfWhereMachinesAreFoundByIt) {
  HostConfig config;
  EXPECT_EQ(name_warning(config, {}), "") << "nothing outlives the host";
  const std::string warning = name_warning(config, {"fly", "k8s"});
  EXPECT_THAT(warning, testing::HasSubstr("\"" + host_name(config) + "\""));
  EXPECT_THAT(warning, testing::HasSubstr("[host] name"));
  EXPECT_THAT(warning, testing::HasSubstr("\"fly\", \"k8s\""));
  config.name = "web-1";
  EXPECT_EQ(name_warning(config, {"fly"}), "");
}

}  // namespace
}  // namespace flame::pool
