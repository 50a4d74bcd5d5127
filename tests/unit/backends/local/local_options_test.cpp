// [backends.local] and the environment it leads to.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "backends/local/environment.hpp"
#include "backends/local/local_backend.hpp"

namespace flame::backends {
namespace {

Option option(OptionValue value) {
  return {std::move(value), {"flame.toml", 7, 3}};
}

void expect_refused(const BackendOptions& options, const std::string& message) {
  const auto parsed = parse_local_options(options);
  ASSERT_FALSE(parsed) << message;
  EXPECT_EQ(parsed.error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(parsed.error().message, message);
}

TEST(LocalOptions, TakesRunnerLogAndEnv) {
  BackendOptions options;
  options.values = {{"runner", option(std::string("/opt/r"))},
                    {"log", option(std::string("/tmp/l"))},
                    {"env.MODEL", option(std::string("big"))}};
  const auto parsed = parse_local_options(options);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->runner, "/opt/r");
  EXPECT_EQ(parsed->log, "/tmp/l");
  EXPECT_EQ(parsed->env.at("MODEL"), "big");
}

TEST(LocalOptions, RefusesAnUnknownKeyWithItsPlaceAndTheNearestOne) {
  BackendOptions options;
  options.values = {{"runer", option(std::string("/opt/r"))}};
  const auto parsed = parse_local_options(options);
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().code, ErrorCode::invalid_argument);
  EXPECT_NE(parsed.error().message.find("flame.toml:7:3"), std::string::npos) << parsed.error().message;
  EXPECT_NE(parsed.error().message.find("did you mean \"runner\""), std::string::npos) << parsed.error().message;
}

TEST(LocalOptions, RefusesAWrongTypeAndAnEmptyPath) {
  BackendOptions options;
  options.values = {{"log", option(std::int64_t{3})}};
  expect_refused(options, "flame.toml:7:3: 'log' must be a string.");
  options.values = {{"runner", option(std::string())}};
  expect_refused(options, "flame.toml:7:3: 'runner' must not be empty; leave it out for the default.");
}

TEST(RunnerEnvironment, LetsTheRequestWinAndTheRunnersOwnVariablesLast) {
  const auto strings = runner_environment({{"PATH", "/bin"}, {"A", "host"}}, {{"A", "config"}, {"B", "config"}},
                                          {{"B", "request"}, {"FLAME_PARENT_FD", "99"}}, {"/p1", "/p2"}, 3);
  EXPECT_EQ(strings, (std::vector<std::string>{"A=config", "B=request", "FLAME_PARENT_FD=3",
                                               "FLAME_PLUGIN_PATH=/p1:/p2", "PATH=/bin"}));
}

}  // namespace
}  // namespace flame::backends
