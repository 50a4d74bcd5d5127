// Which backends a configuration makes, and what it says of those that are wrong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
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
using ::testing::Pair;

// Takes no option but "region".
Result<std::unique_ptr<Backend>> make_fake(const BackendOptions& options, const BackendEnvironment& environment,
                                           std::vector<std::string> sizes) {
  for (const auto& [key, option] : options.values) {
    if (key == "region") continue;
    return Error{.code = ErrorCode::invalid_argument, .message = at(option.where) + "unknown key '" + key + "'"};
  }
  return std::unique_ptr<Backend>(
      std::make_unique<test::IdleBackend>(environment.name, BackendTraits{.sizes = std::move(sizes)}));
}

Result<std::unique_ptr<Backend>> make_local(const BackendOptions& options, const BackendEnvironment& environment) {
  return make_fake(options, environment, {});
}

Result<std::unique_ptr<Backend>> make_cloud(const BackendOptions& options, const BackendEnvironment& environment) {
  return make_fake(options, environment, {"small", "large"});
}

BackendSet made(const HostConfig& config, Backends own = {}, std::string variable = {}) {
  return make_backends(config, {.own = std::move(own),
                                .factories = {{"local", make_local}, {"cloud", make_cloud}},
                                .environment = {},
                                .variable = std::move(variable)});
}

std::string texts_of(const BackendSet& set) {
  std::string texts;
  for (const Error& error : set.problems) texts += error.message + "\n";
  return texts;
}

HostConfig parsed(const std::string& toml) {
  auto config = parse_config(toml, "flame.toml");
  EXPECT_TRUE(config) << config.error().message;
  return config ? *config : HostConfig{};
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
              ElementsAre("flame.toml:3:1: backends.locl: \"locl\" is no kind of backend; did you mean \"local\"?; a "
                          "table with another name says its `kind`; kinds of this program: cloud, local"));
}

TEST(BackendSet, RefusesAnUnknownKindAtItsPlaceAndListsTheKnownOnes) {
  EXPECT_THAT(problems(kPool + "[backends.big]\nkind = \"kubernetes\"\n"),
              ElementsAre("flame.toml:4:8: backends.big.kind: there is no kind \"kubernetes\"; kinds of this program: "
                          "cloud, local"));
}

TEST(BackendSet, APoolsBackendIsATableOrAKind) {
  EXPECT_THAT(problems(kPool + "backend = \"z\"\n"),
              ElementsAre("flame.toml:3:11: pools.a.backend: there is no backend \"z\": neither a table [backends.z] "
                          "nor a kind of this program (cloud, local)"));
}

TEST(BackendSet, OneKindCanBeConfiguredTwice) {
  const BackendSet set = made(parsed(kPool + "backend = [\"near\", \"far\"]\n"
                                             "[backends.near]\nkind = \"cloud\"\nregion = \"ams\"\n"
                                             "[backends.far]\nkind = \"cloud\"\nregion = \"syd\"\n"));
  EXPECT_EQ(texts_of(set), "");
  ASSERT_EQ(set.made.size(), 2U);
  EXPECT_EQ(set.made.at("near")->name(), "near");
  EXPECT_EQ(set.made.at("far")->name(), "far");
  EXPECT_THAT(set.of_pool.at("a"), ElementsAre("near", "far"));
}

TEST(BackendSet, TheKeysOfTheHostDoNotReachTheBackend) {
  EXPECT_THAT(problems(kPool + "[backends.cloud]\nkind = \"cloud\"\nmax = 3\nadvertise = \"auto\"\n"
                               "reap = \"destroy\"\nregion = \"ams\"\n"),
              IsEmpty());
}

TEST(BackendSet, OfEachTableTheHostKeepsItsMaxAndReap) {
  const HostConfig config = parsed(kPool + "[backends.cloud]\nmax = 3\nreap = \"destroy\"\n[backends.local]\n");
  EXPECT_THAT(machines_max(config), ElementsAre(Pair("cloud", 3U)));
  EXPECT_THAT(reap_modes(config), ElementsAre(Pair("cloud", Reap::destroy), Pair("local", Reap::report)));
}

TEST(BackendSet, OnePoolsBackendIsMadeOnceForAllThatNameIt) {
  const BackendSet set = made(parsed(kPool + "[pools.b]\nplugins = [\"video\"]\nbackend = [\"cloud\", \"local\"]\n"));
  EXPECT_EQ(set.made.size(), 2U);
  EXPECT_THAT(set.of_pool.at("a"), ElementsAre("local"));
  EXPECT_THAT(set.of_pool.at("b"), ElementsAre("cloud", "local"));
}

TEST(BackendSet, TheHostsBackendIsThatOfPoolsThatNameNone) {
  const std::string other = "[pools.b]\nplugins = [\"video\"]\nbackend = \"local\"\n";
  const BackendSet set = made(parsed("[host]\nbackend = [\"cloud\", \"local\"]\n" + kPool + other));
  EXPECT_THAT(set.of_pool.at("a"), ElementsAre("cloud", "local"));
  EXPECT_THAT(set.of_pool.at("b"), ElementsAre("local")) << "a pool's own wins";
  EXPECT_THAT(problems("[host]\nbackend = \"clod\"\n" + kPool + other),
              ElementsAre("flame.toml:2:11: host.backend: there is no backend \"clod\"; did you mean \"cloud\"?"));
  EXPECT_EQ(problems("[host]\nbackend = \"clod\"\n" + other).size(), 1U) << "a misspelt one is told if unused, too";
}

TEST(BackendSet, TheVariableReplacesTheHostsBackendAndNoPoolsOwn) {
  const HostConfig config =
      parsed("[host]\nbackend = \"local\"\n" + kPool + "[pools.b]\nplugins = [\"video\"]\nbackend = \"local\"\n");
  const BackendSet set = made(config, {}, "cloud, local");
  EXPECT_EQ(texts_of(set), "");
  EXPECT_THAT(set.of_pool.at("a"), ElementsAre("cloud", "local"));
  EXPECT_THAT(set.of_pool.at("b"), ElementsAre("local"));
  EXPECT_EQ(texts_of(made(config, {}, "clod")),
            "$FLAME_BACKEND: there is no backend \"clod\"; did you mean \"cloud\"?\n");
  EXPECT_EQ(texts_of(made(config, {}, "cloud,,cloud")),
            "$FLAME_BACKEND[1]: must not be empty; \"local\" runs on this machine\n"
            "$FLAME_BACKEND[2]: names the backend \"cloud\" again; name each once, in the order of preference\n");
}

TEST(BackendSet, ASizeIsOneThatEachBackendOfThePoolHas) {
  EXPECT_THAT(problems(kPool + "backend = \"cloud\"\nsize = \"large\"\n"), IsEmpty());
  EXPECT_THAT(problems(kPool + "backend = \"cloud\"\nsize = \"larg\"\n"),
              ElementsAre("flame.toml:4:8: pools.a.size: backend \"cloud\" has no size \"larg\"; did you mean "
                          "\"large\"?; its sizes: small, large"));
  EXPECT_THAT(problems(kPool + "backend = [\"cloud\", \"local\"]\nsize = \"large\"\n"),
              ElementsAre("flame.toml:4:8: pools.a.size: backend \"local\" has no sizes: leave `size` out"));
}

TEST(BackendSet, ATablesAddressReplacesThatOfTheHost) {
  const HostConfig config = parsed(
      "[host]\nadvertise = \"10.0.0.1\"\n[backends.local]\nadvertise = \"auto\"\n"
      "[backends.cloud]\nadvertise = \"fdaa::1\"\n[backends.far]\nkind = \"cloud\"\n" +
      kPool + "backend = [\"local\", \"cloud\", \"far\"]\n");
  const std::map<std::string, std::string> expected{{"local", "auto"}, {"cloud", "fdaa::1"}, {"far", "10.0.0.1"}};
  EXPECT_EQ(advertised(config, made(config).made), expected);
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
  EXPECT_THAT(problems(kPool + "[backends.cloud]\nregin = 3\n"), ElementsAre("flame.toml:4:9: unknown key 'regin'"));
}

TEST(BackendSet, NamesEveryProblemInTheOrderOfTheFile) {
  EXPECT_THAT(problems("[backends.locl]\n[backends.cloud]\nx = 1\n" + kPool + "backend = \"z\"\n"),
              ElementsAre(testing::StartsWith("flame.toml:1:1: backends.locl"), "flame.toml:3:5: unknown key 'x'",
                          testing::StartsWith("flame.toml:6:11: pools.a.backend")));
}

TEST(BackendSet, TakesTheProgramsOwnBackendsAndTheirTables) {
  const Backends own{{"mine", std::make_shared<test::IdleBackend>("mine")}};
  EXPECT_THAT(problems(kPool + "backend = \"mine\"\n[backends.mine]\nanything = 1\n", own), IsEmpty());
  EXPECT_THAT(problems(kPool + "[backends.mine]\nkind = \"local\"\n", own),
              ElementsAre("flame.toml:4:8: backends.mine.kind: is for backends that FLAME makes; this program makes "
                          "\"mine\" itself: leave `kind` out"));
}

TEST(BackendSet, KeepsThoseThatAPoolUses) {
  HostConfig config;
  config.pools["a"];
  config.backends["cloud"].values["region"] = Option{OptionValue(std::int64_t{3}), {}};
  const BackendSet set = made(config);
  EXPECT_THAT(set.problems, IsEmpty());
  ASSERT_TRUE(set.made.contains("local"));
  EXPECT_EQ(set.made.at("local")->name(), "local") << "a backend is told the name of its table";
  EXPECT_FALSE(set.made.contains("cloud"));
}

TEST(BackendSet, KeepsEveryTableForWhoLooksForMachines) {
  const HostConfig config = parsed(kPool + "backend = \"local\"\n[backends.old]\nkind = \"cloud\"\n");
  const BackendSet set = make_backends(config, {.own = {},
                                                .factories = {{"local", make_local}, {"cloud", make_cloud}},
                                                .environment = {},
                                                .variable = {},
                                                .keep_unused = true});
  EXPECT_THAT(texts_of(set), IsEmpty());
  EXPECT_THAT(set.made, ElementsAre(Pair("local", testing::_), Pair("old", testing::_)))
      << "machines may be left where the pool was before";
}

TEST(BackendSet, ThoseOfThisKernelAreKnownByTheirTraitsNotByTheirNames) {
  const Backends backends{{"containers", std::make_shared<test::IdleBackend>("c", BackendTraits{.same_kernel = true})},
                          {"local", std::make_shared<test::IdleBackend>("local")}};
  EXPECT_THAT(on_this_kernel(backends), ElementsAre("containers"));
}

TEST(BackendSet, ThoseWhoseMachinesOutliveTheirHostAreKnownByTheirTraits) {
  const Backends backends{{"fly", std::make_shared<test::IdleBackend>("f", BackendTraits{.lists = true})},
                          {"local", std::make_shared<test::IdleBackend>("local")}};
  EXPECT_THAT(that_list(backends), ElementsAre("fly"));
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
