// `flame bench`: what it answers, not how fast this machine is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

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
    EXPECT_EQ(figure["met"], figure["value"].get<double>() <= figure["goal"].get<double>());
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

TEST_F(FlameBench, ShowsBothRawEchoesBesideEachOther) {
  const auto result = flame_command({"bench", "--quick", "--only", "raw", "--json"});
  const auto figures = json::parse(result.out)["result"]["figures"];
  ASSERT_EQ(figures.size(), 3U);
  EXPECT_THAT(figures[0]["name"].get<std::string>(), HasSubstr("ZeroMQ"));
  EXPECT_THAT(figures[1]["name"].get<std::string>(), HasSubstr("SEQPACKET echo, 64 B, p50, one CPU"));
  EXPECT_THAT(figures[2]["name"].get<std::string>(), HasSubstr("two CPUs"));
  for (const auto& figure : figures) {
    if (figure.contains("error")) continue;  // two CPUs where there is one
    EXPECT_GT(figure["value"].get<double>(), 0);
    EXPECT_FALSE(figure.contains("goal"));
  }
}

TEST_F(FlameBench, ComparesTwoBuildsInTurns) {
  const auto build = std::filesystem::path(FLAME_COMMAND).parent_path().parent_path().string();
  const auto result = flame_command({"bench", "--against", build, "--only", "scheduler", "--pairs", "5", "--json"});
  ASSERT_TRUE(result.exit_code == 0 || result.exit_code == 1) << result.err;
  const auto rows = json::parse(result.out)["result"]["rows"];
  ASSERT_EQ(rows.size(), 2U);
  bool worse = false;
  for (const auto& row : rows) {
    EXPECT_THAT(row["name"].get<std::string>(), HasSubstr("decision, 1,000 runners"));
    EXPECT_EQ(row["by"], "rounds");
    EXPECT_EQ(row["pairs"], 5);
    EXPECT_LE(row["ratio_low"].get<double>(), row["ratio"].get<double>());
    EXPECT_LE(row["ratio"].get<double>(), row["ratio_high"].get<double>());
    EXPECT_GT(row["here"].get<double>(), 0);
    EXPECT_GT(row["there"].get<double>(), 0);
    worse = worse || row["verdict"] == "worse";
  }
  EXPECT_EQ(result.exit_code, worse ? 1 : 0);
}

TEST_F(FlameBench, SaysWhenThereIsNoBuildToCompareWith) {
  const auto result = flame_command({"bench", "--against", files().path()});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("there is no flame to run"));
}

}  // namespace
}  // namespace flame::test
