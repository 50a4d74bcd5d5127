// What is wrong with a configuration shows when the host is made, with its place.
#include <gtest/gtest.h>

#include <string>

#include "tests/integration/host/support.hpp"

namespace flame::test {
namespace {

class Configuration : public LeftoversTest {
 protected:
  static Error refused(const std::string& rest) {
    const std::string toml = "[plugins]\npath = [\"" FLAME_TEST_PLUGINS "\"]\n[pools.a]\n" + rest;
    return error_of([&] { return Host::from_toml(toml, "f.toml").pool_names().size(); });
  }
};

TEST_F(Configuration, AMisspeltBackendTableIsRefused) {
  const Error error = refused("plugins = [\"host_tasks@1\"]\n[backends.locl]\nrunnr = \"/x\"\n");
  EXPECT_EQ(error.code, ErrorCode::invalid_argument);
  EXPECT_EQ(error.message.find("f.toml:5:1: backends.locl: \"locl\" is no kind of backend; did you mean \"local\"?"),
            0U)
      << error.message;
}

TEST_F(Configuration, TwoTablesOfOneKindServeOnePool) {
  const std::string runner = "runner = \"" FLAME_TEST_RUNNER "\"\n";
  const std::string toml = "[plugins]\npath = [\"" FLAME_TEST_PLUGINS
                           "\"]\n[host]\nbackend = [\"one\", \"two\"]\n"
                           "[pools.a]\nplugins = [\"host_tasks@1\"]\nshutdown_timeout = \"2s\"\n"
                           "[backends.one]\nkind = \"local\"\n" +
                           runner + "[backends.two]\nkind = \"local\"\n" + runner;
  const Host host = Host::from_toml(toml, "f.toml");
  EXPECT_EQ(host.pool("a").call<tasks::add>(1, 2), 3);
}

TEST_F(Configuration, AnUnknownBackendOfAPoolIsRefusedAtItsPlace) {
  EXPECT_EQ(refused("plugins = [\"host_tasks@1\"]\nbackend = \"locl\"\n").message,
            "f.toml:5:11: pools.a.backend: there is no backend \"locl\"; did you mean \"local\"?");
}

TEST_F(Configuration, AMissingPluginIsNamedAtItsPlace) {
  const Error error = refused("plugins = [\"host_tasks@1\", \"host_taks\"]\n");
  EXPECT_EQ(error.code, ErrorCode::not_found);
  EXPECT_EQ(error.message.find("f.toml:4:28: pools.a.plugins: "), 0U) << error.message;
}

}  // namespace
}  // namespace flame::test
