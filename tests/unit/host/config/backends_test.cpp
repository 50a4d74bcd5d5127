// [backends]: what the host reads of a table, what its backend gets, and what is impossible.
#include <flame/config.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "plugin_sdk/base/limits.hpp"

namespace flame {
namespace backends_test {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

BackendConfig parsed(const std::string& table) {
  const auto config = parse_config("[backends.b]\n" + table, "/etc/app/flame.toml");
  EXPECT_TRUE(config) << config.error().message;
  return config ? config->backends.at("b") : BackendConfig{};
}

std::string message(const std::string& toml) {
  const auto config = parse_config(toml, "flame.toml");
  return config ? "no error" : config.error().message;
}

const std::string& text(const BackendOptions& options, const std::string& key) {
  return std::get<std::string>(options.values.at(key).value);
}

TEST(BackendTable, HasKeysOfTheHost) {
  const BackendConfig backend =
      parsed("kind = \"fly\"\nmax = 20\nadvertise = \"fdaa::3\"\nreap = \"destroy\"\napp = \"thumbs\"\n");
  EXPECT_EQ(backend.kind, "fly");
  EXPECT_EQ(backend.max, 20U);
  EXPECT_EQ(backend.advertise, "fdaa::3");
  EXPECT_EQ(backend.reap, Reap::destroy);
  EXPECT_EQ(backend.values.size(), 1U) << "the backend does not see them";
  EXPECT_EQ(text(backend, "app"), "thumbs");
  const BackendConfig usual = parsed("");
  EXPECT_EQ(usual.kind, "");
  EXPECT_FALSE(usual.max);
  EXPECT_EQ(usual.advertise, "");
  EXPECT_EQ(usual.reap, Reap::report);
}

TEST(BackendTable, AnInnerTableMayHaveKeysOfTheSameNames) {
  EXPECT_EQ(std::get<std::int64_t>(parsed("guest = { max = 3, kind = \"x\" }\n").values.at("guest.max").value), 3);
}

TEST(BackendTable, MayHaveArraysOfTables) {
  const BackendConfig backend = parsed(R"(
[[backends.b.mounts]]
path = "/data"
volume = { name = "v", env = { A = "1" } }
[[backends.b.mounts]]
key = { file = "keys/v" }
inner = [{ x = 1 }, { x = 2 }]
)");
  const auto& mounts = std::get<std::vector<BackendOptions>>(backend.values.at("mounts").value);
  ASSERT_EQ(mounts.size(), 2U);
  EXPECT_EQ(text(mounts[0], "path"), "/data");
  EXPECT_EQ(text(mounts[0], "volume.name"), "v");
  EXPECT_EQ(text(mounts[0], "volume.env.A"), "1");
  EXPECT_EQ(mounts[0].values.at("path").where.to_string(), "/etc/app/flame.toml:4:8");
  EXPECT_EQ(mounts[1].where.line, 6U);
  EXPECT_EQ(std::get<Secret>(mounts[1].values.at("key").value).describe(), "file /etc/app/keys/v");
  EXPECT_EQ(std::get<std::vector<BackendOptions>>(mounts[1].values.at("inner").value).size(), 2U);
}

TEST(BackendTable, AnEmptyArrayIsOneOfStrings) {
  EXPECT_THAT(std::get<std::vector<std::string>>(parsed("regions = []\n").values.at("regions").value), ElementsAre());
}

TEST(BackendTable, ATableCalledEnvIsNoSecret) {
  const BackendConfig backend = parsed("env = { env = \"production\" }\nother = { env = { file = \"x\" } }\n");
  EXPECT_EQ(text(backend, "env.env"), "production");
  EXPECT_EQ(text(backend, "other.env.file"), "x");
  const BackendConfig with_secret = parsed("[backends.b.env]\nTOKEN = { env = \"X\" }\n");
  EXPECT_EQ(std::get<Secret>(with_secret.values.at("env.TOKEN").value).describe(), "environment variable X");
}

TEST(BackendTable, WrongKeysOfTheHostAreNamedWithTheirPlace) {
  const std::string table = "[backends.b]\n";
  EXPECT_EQ(message(table + "max = 0\n"),
            "flame.toml:2:7: backends.b.max must be at least 1; to boot nothing there, take it out of the pools' "
            "backend");
  EXPECT_EQ(message(table + "max = \"5\"\n"),
            "flame.toml:2:7: backends.b.max must be a whole number from 0 to 4294967295, not the string \"5\"");
  EXPECT_EQ(message(table + "reap = \"destory\"\n"),
            "flame.toml:2:8: backends.b.reap must be \"report\" or \"destroy\", not \"destory\"; did you mean "
            "\"destroy\"?");
  EXPECT_EQ(message(table + "kind = 5\n"), "flame.toml:2:8: backends.b.kind must be a string, not the integer 5");
  EXPECT_EQ(message(table + "advertise = \"\"\n"),
            "flame.toml:2:13: backends.b.advertise must not be empty; leave it out for the default");
  EXPECT_EQ(message(table + "advertise = \"" + std::string(256, 'x') + "\"\n"),
            "flame.toml:2:13: backends.b.advertise must have at most 255 characters");
  EXPECT_EQ(
      message(table + "mixed = [{ a = 1 }, \"x\"]\n"),
      "flame.toml:2:9: backends.b.mixed must be a boolean, a number, a string, a table, or an array of strings or "
      "of tables, not an array");
  EXPECT_THAT(message(table + "mounts = [{ at = 2020-01-01 }]\n"), HasSubstr("2:18: backends.b.mounts[0].at must be"));
}

TEST(BackendTable, ItsNameIsThatOfADirectory) {
  EXPECT_EQ(message("[backends." + std::string(64, 'x') + "]\n"), "no error");
  EXPECT_THAT(message("[backends." + std::string(65, 'x') + "]\n"), HasSubstr("is no name of a backend"));
  EXPECT_EQ(
      message("[backends.\"../x\"]\n"),
      "flame.toml:1:1: backends.../x is no name of a backend: 1 to 64 letters, digits, \"-\" and \"_\", the first "
      "one a letter or a digit");
  for (const char* name : {"", "-x", "a b", "ä"}) {
    EXPECT_THAT(message("[backends.\"" + std::string(name) + "\"]\n"), HasSubstr("is no name of a backend")) << name;
  }
}

TEST(BackendTable, ThereIsABoundedNumber) {
  std::string toml;
  for (std::size_t i = 0; i < limits::kBackendTablesMax; ++i) toml += "[backends.b" + std::to_string(i) + "]\n";
  EXPECT_EQ(message(toml), "no error");
  EXPECT_EQ(message(toml + "[backends.more]\n"), "flame.toml:1:1: backends has 65 tables, of at most 64");
}

std::string pool(const std::string& line) {
  return "[pools.a]\nplugins = [\"video\"]\n" + line + "\n";
}

TEST(BackendNames, AreNamedOnce) {
  EXPECT_EQ(message(pool("backend = [\"local\", \"fly\", \"local\"]")),
            "flame.toml:3:28: pools.a.backend[2] names the backend \"local\" again; name each once, in the order of "
            "preference");
  EXPECT_THAT(message("[host]\nbackend = [\"x\", \"x\"]\n"),
              HasSubstr("2:17: host.backend[1] names the backend \"x\""));
}

TEST(BackendNames, OfOnePoolAreAFew) {
  std::string list;
  for (std::size_t i = 0; i < limits::kPoolBackendsMax; ++i) list += "\"b" + std::to_string(i) + "\", ";
  EXPECT_EQ(message(pool("backend = [" + list + "]")), "no error");
  EXPECT_EQ(message(pool("backend = [" + list + "\"more\"]")),
            "flame.toml:3:11: pools.a.backend names 9 backends, of at most 8");
}

TEST(BackendNames, AreNotEmpty) {
  EXPECT_EQ(message(pool("backend = \"\"")),
            "flame.toml:3:11: pools.a.backend must not be empty; \"local\" runs on this machine");
  EXPECT_EQ(message("[host]\nbackend = []\n"),
            "flame.toml:2:11: host.backend must name a backend; the default is \"local\"");
}

TEST(BackendNames, AQueueAndASizeAreBounded) {
  EXPECT_EQ(message(pool("queue_timeout = \"0s\"")),
            "flame.toml:3:17: pools.a.queue_timeout must be more than 0s, not 0s");
  EXPECT_EQ(message(pool("queue_timeout = \"infinite\"")),
            "flame.toml:3:17: pools.a.queue_timeout must not be infinite");
  EXPECT_EQ(message(pool("size = \"" + std::string(256, 'x') + "\"")),
            "flame.toml:3:8: pools.a.size must have at most 255 characters");
}

}  // namespace backends_test
}  // namespace flame
