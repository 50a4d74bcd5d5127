// [pools.NAME.env]: plain variables, and secrets by their source.
#include <flame/config.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "plugin_sdk/base/limits.hpp"

namespace flame {
namespace environment_test {

using ::testing::HasSubstr;

std::string pool(const std::string& env) {
  return "[pools.a]\nplugins = [\"x\"]\n[pools.a.env]\n" + env;
}

std::string message(const std::string& env) {
  const auto config = parse_config(pool(env), "/etc/app/flame.toml");
  return config ? "no error" : config.error().message;
}

std::string message(const PoolConfig& pool) {
  return check_pool("a", pool).value_or(Error{.message = "no error"}).message;
}

PoolConfig right() {
  PoolConfig pool;
  pool.plugins = {"x"};
  return pool;
}

TEST(PoolEnvironment, HasPlainVariablesAndSecrets) {
  const auto config = parse_config(
      pool("TZ = \"UTC\"\nDATABASE_URL = { env = \"URL\" }\nKEY = { file = \"keys/k\" }\n"), "/etc/app/flame.toml");
  ASSERT_TRUE(config) << config.error().message;
  const PoolConfig& pool = config->pools.at("a");
  EXPECT_EQ(pool.env, (std::map<std::string, std::string>{{"TZ", "UTC"}}));
  EXPECT_EQ(pool.secret_env.size(), 2U);
  EXPECT_EQ(pool.secret_env.at("DATABASE_URL").describe(), "environment variable URL");
  EXPECT_EQ(pool.secret_env.at("KEY").describe(), "file /etc/app/keys/k");
}

TEST(PoolEnvironment, AVariableMayBeCalledLikeTheKeysOfASecret) {
  const auto config = parse_config(pool("env = \"production\"\n"), "flame.toml");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->pools.at("a").env.at("env"), "production");
}

TEST(PoolEnvironment, AMisspeltSecretIsToldWithoutItsText) {
  EXPECT_EQ(message("A = { enw = \"X\" }\n"),
            "/etc/app/flame.toml:4:5: pools.a.env.A must be a string, or a secret ({ env = \"VARIABLE\" } or { file = "
            "\"PATH\" }), not a table");
}

TEST(PoolEnvironment, ASecretHasAPossibleName) {
  EXPECT_THAT(message("FLAME_PARENT = { env = \"X\" }\n"), HasSubstr("4:16: pools.a.env.FLAME_PARENT is reserved"));
  EXPECT_THAT(message("\"A=B\" = { env = \"X\" }\n"), HasSubstr("has an impossible variable name"));
  EXPECT_EQ(message(std::string(255, 'A') + " = { env = \"X\" }\n"), "no error");
  EXPECT_THAT(message(std::string(256, 'A') + " = { env = \"X\" }\n"), HasSubstr("must have a name of at most 255"));
}

TEST(PoolEnvironment, AVariableIsPlainOrSecret) {
  PoolConfig pool = right();
  pool.env["A"] = "x";
  pool.secret_env.insert_or_assign("A", Secret::literal("hush"));
  EXPECT_EQ(message(pool), "pools.a.env.A: is both a plain variable and a secret");
}

TEST(PoolEnvironment, IsBounded) {
  PoolConfig pool = right();
  pool.env["A"] = std::string(limits::kPoolEnvironmentMax - 1, 'x');
  for (std::size_t i = 0; i < limits::kTaskSecretsMax; ++i)
    pool.secret_env.insert_or_assign("S" + std::to_string(i), Secret::literal("hush"));
  EXPECT_EQ(message(pool), "no error");
  pool.env["A"] += 'x';
  EXPECT_THAT(message(pool), HasSubstr("pools.a.env: has 32769B, of at most 32KiB"));
  pool = right();
  for (std::size_t i = 0; i <= limits::kTaskSecretsMax; ++i)
    pool.secret_env.insert_or_assign("S" + std::to_string(i), Secret::literal("hush"));
  EXPECT_EQ(message(pool), "pools.a.env: has 65 secrets, of at most 64");
}

}  // namespace environment_test
}  // namespace flame
