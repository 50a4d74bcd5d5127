// Which backends a configuration makes, and what it says of those that are wrong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "host/src/config/config_place.hpp"
#include "host/src/setup/backend_set.hpp"
#include "tests/support/idle_backend.hpp"

namespace flame::pool {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Takes no option but "size".
Result<std::unique_ptr<Backend>> make_fake(const BackendOptions& options, const BackendEnvironment& environment) {
  for (const auto& [key, option] : options.values) {
    if (key == "size") continue;
    return Error{.code = ErrorCode::invalid_argument, .message = at(option.where) + "unknown key '" + key + "'"};
  }
  return std::unique_ptr<Backend>(std::make_unique<test::IdleBackend>(environment.name));
}

BackendSet made(const HostConfig& config, Backends own = {}) {
  return make_backends(config, std::move(own), {{"local", make_fake}, {"cloud", make_fake}}, {});
}

std::vector<std::string> problems(const std::string& toml, Backends own = {}) {
  const auto config = parse_config(toml, "flame.toml");
  if (!config) return {config.error().message};
  std::vector<std::string> texts;
  for (const Error& error : made(*config, std::move(own)).problems) {
    EXPECT_EQ(error.code, ErrorCode::invalid_argument);
    texts.push_back(error.message);
  }
  return texts;
}

const std::string kPool = "[pools.a]\nplugins = [\"video\"]\n";

TEST(BackendSet, RefusesATableThatNoBackendIsNamedAfter) {
  EXPECT_THAT(problems(kPool + "[backends.locl]\nrunnr = \"/x\"\n"),
              ElementsAre("flame.toml:3:1: backends.locl: there is no backend \"locl\"; did you mean \"local\"?"));
  EXPECT_THAT(problems(kPool + "[backends.kubernetes]\n"),
              ElementsAre("flame.toml:3:1: backends.kubernetes: there is no backend \"kubernetes\"; backends of this "
                          "program: cloud, local"));
}

TEST(BackendSet, RefusesAPoolOfAnUnknownBackendAtItsPlace) {
  EXPECT_THAT(problems(kPool + "backend = \"clod\"\n"),
              ElementsAre("flame.toml:3:11: pools.a.backend: there is no backend \"clod\"; did you mean \"cloud\"?"));
}

TEST(BackendSet, RefusesAnUnknownBackendInAListAtItsPlace) {
  EXPECT_THAT(
      problems(kPool + "backend = [\"local\", \"clod\"]\n"),
      ElementsAre("flame.toml:3:21: pools.a.backend[1]: there is no backend \"clod\"; did you mean \"cloud\"?"));
}

TEST(BackendSet, RefusesWrongOptionsOfABackendThatNoPoolUses) {
  EXPECT_THAT(problems(kPool + "[backends.cloud]\nsiz = 3\n"), ElementsAre("flame.toml:4:7: unknown key 'siz'"));
}

TEST(BackendSet, NamesEveryProblemInTheOrderOfTheFile) {
  EXPECT_THAT(problems("[backends.locl]\n[backends.cloud]\nx = 1\n" + kPool + "backend = \"z\"\n"),
              ElementsAre(testing::StartsWith("flame.toml:1:1: backends.locl"), "flame.toml:3:5: unknown key 'x'",
                          testing::StartsWith("flame.toml:6:11: pools.a.backend")));
}

TEST(BackendSet, TakesTheProgramsOwnBackendsAndTheirTables) {
  const Backends own{{"mine", std::make_shared<test::IdleBackend>("mine")}};
  EXPECT_THAT(problems(kPool + "backend = \"mine\"\n[backends.mine]\nanything = 1\n", own), IsEmpty());
}

TEST(BackendSet, KeepsThoseThatAPoolUses) {
  HostConfig config;
  config.pools["a"];
  config.backends["cloud"].values["size"] = Option{OptionValue(std::int64_t{3}), {}};
  const BackendSet set = made(config);
  EXPECT_THAT(set.problems, IsEmpty());
  ASSERT_TRUE(set.made.contains("local"));
  EXPECT_EQ(set.made.at("local")->name(), "local") << "a backend is told the name of its table";
  EXPECT_FALSE(set.made.contains("cloud"));
}

TEST(BackendSet, HasNoPlaceForWhatWasSetInCpp) {
  HostConfig config;
  config.pools["a"].backend = {"clod"};
  const BackendSet set = made(config);
  ASSERT_EQ(set.problems.size(), 1U);
  EXPECT_EQ(set.problems[0].message, "pools.a.backend: there is no backend \"clod\"; did you mean \"cloud\"?");
}

TEST(ConfigPlace, IsThatOfTheNearestTableWhenTheOptionIsNotWritten) {
  const auto config = parse_config("[pools.a]\nplugins = [\"x\",\n  \"y\"]\n", "flame.toml");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(nearest(config->places, "pools.a.plugins[1]").to_string(), "flame.toml:3:3");
  EXPECT_EQ(nearest(config->places, "pools.a.backend").to_string(), "flame.toml:1:1");
  EXPECT_EQ(nearest(config->places, "nothing.at.all").to_string(), "");
}

}  // namespace
}  // namespace flame::pool
