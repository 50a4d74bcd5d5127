// Whether a host that starts can read the secrets of its pools.
#include "host/src/setup/secrets_check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "plugin_sdk/base/limits.hpp"
#include "tests/support/temp_dir.hpp"

namespace flame::pool {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

class SecretsCheck : public testing::Test {
 protected:
  std::vector<std::string> problems(const std::string& env) {
    const auto config = parse_config("[pools.a]\nplugins = [\"x\"]\n[pools.a.env]\n" + env, (dir_ / "flame.toml"));
    EXPECT_TRUE(config) << config.error().message;
    std::vector<std::string> texts;
    for (const Error& error : check_secrets(*config)) texts.push_back(error.message);
    return texts;
  }

  test::TempDir dir_;
};

TEST_F(SecretsCheck, TakesThoseThatCanBeRead) {
  dir_.write("url", "hush");
  EXPECT_THAT(problems("PLAIN = \"x\"\nDATABASE_URL = { file = \"url\" }\nPATH = { env = \"PATH\" }\n"), IsEmpty());
}

TEST_F(SecretsCheck, NamesEachThatCannotAtItsPlace) {
  const std::string file = dir_ / "flame.toml";
  EXPECT_THAT(problems("A = { env = \"FLAME_TEST_UNSET\" }\nB = { file = \"none\" }\n"),
              ElementsAre(file + ":4:5: pools.a.env.A: secret A: environment variable FLAME_TEST_UNSET is not set; set "
                                 "it, or name another source for the secret",
                          StartsWith(file + ":5:5: pools.a.env.B: secret B: ")));
}

TEST_F(SecretsCheck, ThatAreTooManyBytesTogetherAreTold) {
  dir_.write("half", std::string(limits::kTaskSecretsBytesMax / 2, 'x'));
  EXPECT_THAT(problems("A = { file = \"half\" }\n"), IsEmpty());
  EXPECT_THAT(problems("A = { file = \"half\" }\nB = { file = \"half\" }\n"),
              ElementsAre(HasSubstr("12 KiB together")));
}

}  // namespace
}  // namespace flame::pool
