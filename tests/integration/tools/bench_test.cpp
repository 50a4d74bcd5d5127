// `flame bench`: what it answers, not how fast this machine is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/tools/cli_test.hpp"

namespace flame::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class FlameBench : public CliTest {};

TEST_F(FlameBench, GivesFiguresWithUnitAndGoalAsJson) {
  const auto result = flame_command({"bench", "--quick", "--only", "scheduler", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto answer = json::parse(result.out)["result"];
  for (const char* key : {"cpus", "steal_percent", "busy"}) EXPECT_TRUE(answer["machine"].contains(key)) << key;
  ASSERT_EQ(answer["figures"].size(), 2U);
  for (const auto& figure : answer["figures"]) {
    EXPECT_THAT(figure["name"].get<std::string>(), HasSubstr("decision, 1,000 runners"));
    EXPECT_EQ(figure["unit"], "x");
    EXPECT_EQ(figure["goal"], 1.5);
    EXPECT_EQ(figure["better"], "lower");
    EXPECT_GT(figure["value"].get<double>(), 0);
    EXPECT_EQ(figure["met"], figure["value"].get<double>() <= 2.0);
    EXPECT_LE(figure["ratio_lowest"].get<double>(), figure["ratio_highest"].get<double>());
    EXPECT_GT(figure["raw"].get<double>(), 0);
    EXPECT_GT(figure["figure"].get<double>(), 0);
    EXPECT_FALSE(figure["note"].get<std::string>().empty());
  }
}

TEST_F(FlameBench, NamesTheMeasurementsWhenOneIsUnknown) {
  const auto result = flame_command({"bench", "--only", "schedular"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, HasSubstr("no measurement \"schedular\"; did you mean \"scheduler\"?"));
  EXPECT_THAT(result.err, HasSubstr("process"));
}

}  // namespace
}  // namespace flame::test
