// Every way in which a TOML configuration can be wrong: place, reason, nearest valid key.
#include <flame/config.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>

namespace flame {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string message(const std::string& toml) {
  const auto config = parse_config(toml, "flame.toml");
  if (config) return "no error";
  EXPECT_EQ(config.error().code, ErrorCode::invalid_argument);
  return config.error().message;
}

struct Wrong {
  const char* name;
  std::string toml;
  std::string expected;
};
void PrintTo(const Wrong& wrong, std::ostream* out) {
  *out << wrong.name;
}

std::string pool(const std::string& line) {
  return "[pools.a]\nplugins = [\"video\"]\n" + line + "\n";
}

class ConfigErrors : public ::testing::TestWithParam<Wrong> {};

TEST_P(ConfigErrors, AreNamedWithTheirPlace) {
  EXPECT_EQ(message(GetParam().toml), GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    Keys, ConfigErrors,
    ::testing::Values(
        Wrong{"NearKey", pool("max_concurency = 5"),
              "flame.toml:3:1: unknown key \"max_concurency\" in [pools.a]; did you mean \"max_concurrency\"?"},
        Wrong{"FarKey", "[plugins]\nzzzzzzzz = 5\n",
              "flame.toml:2:1: unknown key \"zzzzzzzz\" in [plugins]; valid keys: path, store, trusted_keys, "
              "require_signature, revoked, min_version, watch"},
        Wrong{"TopKey", "[pool.a]\nmin = 1\n",
              "flame.toml:1:2: unknown key \"pool\" at the top level; did you mean \"pools\"?"},
        Wrong{"LimitsKey", pool("limits = { memori = \"1GiB\" }"),
              "flame.toml:3:12: unknown key \"memori\" in [pools.a.limits]; did you mean \"memory\"?"},
        Wrong{"HostKey", "[host]\nnaem = \"x\"\n",
              "flame.toml:2:1: unknown key \"naem\" in [host]; did you mean \"name\"?"}),
    [](const auto& param) { return param.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Types, ConfigErrors,
    ::testing::Values(
        Wrong{"NumberAsString", pool("max = \"5\""),
              "flame.toml:3:7: pools.a.max must be a whole number from 0 to 4294967295, not the string \"5\""},
        Wrong{"NegativeNumber", pool("min = -1"),
              "flame.toml:3:7: pools.a.min must be a whole number from 0 to 4294967295, not the integer -1"},
        Wrong{"DurationAsNumber", pool("timeout = 30"),
              "flame.toml:3:11: pools.a.timeout must be a duration with its unit, such as \"30s\", not the integer 30"},
        Wrong{"SizeAsNumber", pool("payload_max = 1000"),
              "flame.toml:3:15: pools.a.payload_max must be a size with its unit, such as \"1GiB\", not the integer "
              "1000"},
        Wrong{"FlagAsString", pool("single_use = \"yes\""),
              "flame.toml:3:14: pools.a.single_use must be true or false, not the string \"yes\""},
        Wrong{"ListAsString", "[pools.a]\nplugins = \"video\"\n",
              "flame.toml:2:11: pools.a.plugins must be an array of strings, not the string \"video\"\n"
              "flame.toml:2:11: pools.a.plugins must name at least one plugin, such as \"video@1\""},
        Wrong{"ListOfNumbers", "[plugins]\npath = [\"a\", 2]\n",
              "flame.toml:2:14: plugins.path must be an array of strings, not the integer 2"},
        Wrong{"TableAsNumber", pool("limits = 5"),
              "flame.toml:3:10: pools.a.limits must be a table, not the integer 5"},
        Wrong{"PoolAsNumber", "pools = { a = 5 }\n", "flame.toml:1:15: pools.a must be a table, not the integer 5"},
        Wrong{"EnvironmentAsNumber", pool("env = { A = 5 }"),
              "flame.toml:3:13: pools.a.env.A must be a string, or a secret ({ env = \"VARIABLE\" } or { file = "
              "\"PATH\" }), "
              "not the integer 5"},
        Wrong{"NoSuchChoice", pool("isolation = \"proces\""),
              "flame.toml:3:13: pools.a.isolation must be \"process\" or \"thread\", not \"proces\"; did you mean "
              "\"process\"?"},
        Wrong{"BackendAsNumber", pool("backend = 5"),
              "flame.toml:3:11: pools.a.backend must be a string or an array of strings, not the integer 5"},
        Wrong{"NoBackend", pool("backend = []"),
              "flame.toml:3:11: pools.a.backend must name one; leave it out for that of [host]"},
        Wrong{
            "BackendDate", "[backends.fly]\nx = 2020-01-01\n",
            "flame.toml:2:5: backends.fly.x must be a boolean, a number, a string, a table, or an array of strings or "
            "of tables, not the value 2020-01-01"}),
    [](const auto& param) { return param.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Combinations, ConfigErrors,
    ::testing::Values(
        Wrong{"MinAboveMax", pool("max = 2\nmin = 3"), "flame.toml:4:7: pools.a.min is 3, more than max = 2"},
        Wrong{"MaxZero", pool("max = 0"), "flame.toml:3:7: pools.a.max must be between 1 and 1000, not 0"},
        Wrong{"NoPlugins", "[pools.a]\nmin = 0\n",
              "flame.toml:1:1: pools.a.plugins must name at least one plugin, such as \"video@1\""},
        Wrong{"ThreadsThatCannotBeDiscarded", pool("isolation = \"thread\"\nleftover_threads = \"discard\""),
              "flame.toml:4:20: pools.a.leftover_threads = \"discard\" needs isolation = \"process\": threads of one "
              "process cannot be told apart"},
        Wrong{"NoSuchLeftoverThreads", pool("leftover_threads = \"discart\""),
              "flame.toml:3:20: pools.a.leftover_threads must be \"keep\" or \"discard\", not \"discart\"; did you "
              "mean \"discard\"?"},
        Wrong{"ThreadsWithoutReuse", pool("isolation = \"thread\"\nreuse = false"),
              "flame.toml:4:9: pools.a.reuse = false needs isolation = \"process\": a thread leaves its process as it "
              "is"},
        Wrong{"MinIdleShorterThanIdle", pool("min_idle_shutdown_after = \"1s\""),
              "flame.toml:3:27: pools.a.min_idle_shutdown_after must not be shorter than idle_shutdown_after (30s)"},
        Wrong{"InfiniteBoot", pool("boot_timeout = \"infinite\""),
              "flame.toml:3:16: pools.a.boot_timeout must not be infinite"},
        Wrong{"ReservedEnvironment", pool("env = { FLAME_PARENT = \"x\" }"),
              "flame.toml:3:24: pools.a.env.FLAME_PARENT is reserved: variables that begin with FLAME_ are set by "
              "flame itself"},
        Wrong{"Endpoint", "[host]\nlisten = [\"http://x\"]\n",
              "flame.toml:2:10: host.listen \"http://x\" is no endpoint; use \"ipc://auto\" or \"tcp://ADDRESS:PORT\" "
              "(port 0: any free one)"},
        Wrong{"SignatureWithoutKeys", "[plugins]\nrequire_signature = true\n",
              "flame.toml:2:21: plugins.require_signature = true needs a key in plugins.trusted_keys: without one no "
              "plugin would be run"}),
    [](const auto& param) { return param.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Plugins, ConfigErrors,
    ::testing::Values(
        Wrong{"EmptyStore", "[plugins]\nstore = \"\"\n",
              "flame.toml:2:9: plugins.store must not be empty; the default is \"auto\""},
        Wrong{"WatchWithoutPath", "[plugins]\nwatch = true\n",
              "flame.toml:2:9: plugins.watch = true needs a directory in plugins.path to look at"},
        Wrong{"EmptyKey", "[plugins]\ntrusted_keys = [\"a.pub\", \"\"]\n",
              "flame.toml:2:26: plugins.trusted_keys[1] must not be empty; give a public key, or the path of its file"},
        Wrong{
            "SecretKey", "[plugins]\ntrusted_keys = [\"flame-secret-key-v1 0123456789abcdef AAAA\"]\n",
            "flame.toml:2:17: plugins.trusted_keys[0] holds a secret key. Whoever can read this file can sign with it "
            "now: make a new one with `flame plugin keygen`, and write its public key here"},
        Wrong{"NoDigest", "[plugins]\nrevoked = [\"sha256:ABCD\"]\n",
              "flame.toml:2:12: plugins.revoked[0] must be \"sha256:\" and the 64 lower-case hexadecimal digits that "
              "`flame plugin inspect` shows as digest"},
        Wrong{"DigestWithoutItsKind", "[plugins]\nrevoked = [\"" + std::string(64, 'a') + "\"]\n",
              "flame.toml:2:12: plugins.revoked[0] must be \"sha256:\" and the 64 lower-case hexadecimal digits that "
              "`flame plugin inspect` shows as digest"},
        Wrong{"NoVersion", "[plugins]\nmin_version = { video = \"1.4\" }\n",
              "flame.toml:2:25: plugins.min_version.video \"1.4\" is no semantic version; write MAJOR.MINOR.PATCH, "
              "e.g. \"1.4.0\" or \"1.4.0-rc.1\""},
        Wrong{"NoPlugin", "[plugins]\nmin_version = { Video = \"1.4.0\" }\n",
              "flame.toml:2:25: plugins.min_version.Video names no plugin: a name is of the form "
              "[a-z][a-z0-9_-]{0,63}"},
        Wrong{"VersionAsNumber", "[plugins]\nmin_version = { video = 1 }\n",
              "flame.toml:2:25: plugins.min_version.video must be a string, not the integer 1"}),
    [](const auto& param) { return param.param.name; });

TEST(ConfigErrorTexts, QuoteADurationThatHasNoUnit) {
  EXPECT_THAT(message(pool("timeout = \"30\"")), StartsWith("flame.toml:3:11: pools.a.timeout: "));
  EXPECT_THAT(message(pool("limits = { memory = \"lots\" }")), HasSubstr("lots"));
}

TEST(ConfigErrorTexts, GiveThePlaceOfASyntaxError) {
  EXPECT_THAT(message("[pools.a\nmin = 1\n"), StartsWith("flame.toml:1:"));
  EXPECT_THAT(message("[pools.a]\nmin = = 1\n"), StartsWith("flame.toml:2:7: not valid TOML: "));
  EXPECT_THAT(message("a = \"\xff\"\n"), StartsWith("flame.toml:1:"));
}

TEST(ConfigErrorTexts, ReportSeveralProblemsAtOnceInTheOrderOfTheFile) {
  const std::string text =
      message("[host]\nnam = \"x\"\n[pools.a]\nplugins = [\"video\"]\nmin = 9\nmax = 3\nfoo = 1\n");
  EXPECT_THAT(text, StartsWith("flame.toml:2:1: unknown key \"nam\""));
  EXPECT_THAT(text, HasSubstr("\nflame.toml:5:7: pools.a.min is 9"));
  EXPECT_THAT(text, HasSubstr("\nflame.toml:7:1: unknown key \"foo\""));
}

TEST(ConfigErrorTexts, RefuseABadPluginReference) {
  EXPECT_THAT(message("[pools.a]\nplugins = [\"Video@x\"]\n"), StartsWith("flame.toml:2:11: pools.a.plugins "));
  EXPECT_THAT(message("[pools.a]\nplugins = [\"video@1\", \"video@2\"]\n"), HasSubstr("\"video\" twice"));
}

std::string list_of(std::size_t count, const std::string& before, const std::string& after = {}) {
  std::string list;
  for (std::size_t i = 0; i < count; ++i)
    list += (list.empty() ? "[\"" : ", \"") + before + std::to_string(i) + after + "\"";
  return list + "]";
}

TEST(ConfigErrorTexts, BoundWhatEveryRunnerIsTold) {
  const auto listening = [](std::size_t count) { return "[host]\nlisten = " + list_of(count, "tcp://[::]:") + "\n"; };
  EXPECT_EQ(message(listening(32)), "no error");
  EXPECT_EQ(message(listening(33)),
            "flame.toml:2:10: host.listen names 33 endpoints, of at most 32; \"tcp://[::]:0\" alone listens on every "
            "address of the machine");
  const auto loading = [](std::size_t count) { return "[pools.a]\nplugins = " + list_of(count, "p", "@1") + "\n"; };
  EXPECT_EQ(message(loading(100)), "no error");
  EXPECT_EQ(message(loading(101)),
            "flame.toml:2:11: pools.a.plugins names 101 plugins, of at most 100; use several pools, or put more tasks "
            "into one plugin");
  EXPECT_THAT(message("[host]\nadvertise = \"" + std::string(256, 'x') + "\"\n"),
              StartsWith("flame.toml:2:13: host.advertise must have at most 255 characters"));
  EXPECT_THAT(message(pool("backend = \"" + std::string(256, 'x') + "\"")),
              StartsWith("flame.toml:3:11: pools.a.backend must have at most 255 characters"));
  EXPECT_THAT(message("[host]\nlisten = [\"tcp://" + std::string(300, 'x') + ":1\"]\n"), HasSubstr("is no endpoint"));
}

TEST(ConfigErrorTexts, NeverShowALongValueWhole) {
  const std::string text = message(pool("max = \"" + std::string(10'000, 'x') + "\""));
  EXPECT_LT(text.size(), 300u);
}

}  // namespace
}  // namespace flame
