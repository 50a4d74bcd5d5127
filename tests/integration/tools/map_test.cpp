// `flame map`.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <map>
#include <sstream>

#include "plugin_sdk/base/file.hpp"
#include "tests/integration/tools/cli_test.hpp"

namespace flame::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class FlameMap : public CliTest {
 protected:
  [[nodiscard]] std::vector<std::string> arguments(const std::string& task, std::vector<std::string> rest = {}) const {
    std::vector<std::string> all = {"map", "--config", config_, "main", "cli_fixture::" + task};
    all.insert(all.end(), rest.begin(), rest.end());
    return all;
  }
  static std::vector<json> lines(const std::string& text) {
    std::istringstream in(text);
    std::vector<json> out;
    for (std::string line; std::getline(in, line);) out.push_back(json::parse(line));
    return out;
  }
};

TEST_F(FlameMap, GoesOnAfterFailedItemsAndBrokenLines) {
  const auto result = flame_command(arguments("greet"), "[\"a\"]\n[\"\"]\n\nnot json\n\"b\"\n[1]\n");
  EXPECT_EQ(result.exit_code, 1);
  std::map<int, json> by_line;
  for (const auto& line : lines(result.out)) by_line[line["index"]] = line;
  ASSERT_EQ(by_line.size(), 5U) << result.out;
  EXPECT_EQ(by_line[1]["result"], "Hello, a!");
  EXPECT_EQ(by_line[2]["error"]["code"], "task_failed");
  EXPECT_EQ(by_line[4]["error"]["code"], "invalid_argument");
  EXPECT_EQ(by_line[5]["result"], "Hello, b!");
  EXPECT_EQ(by_line[6]["ok"], false);
  EXPECT_THAT(result.err, HasSubstr("5 done (3 of them failed), "));
}

TEST_F(FlameMap, KeepsTheOrderOfTheInputWhenAskedTo) {
  std::string input;
  for (int i = 0; i < 40; ++i) input += "[" + std::to_string((40 - i) % 4 * 20) + "]\n";
  const auto result = flame_command(arguments("wait", {"--ordered"}), input);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const auto results = lines(result.out);
  ASSERT_EQ(results.size(), 40U);
  for (int i = 0; i < 40; ++i) EXPECT_EQ(results[static_cast<std::size_t>(i)]["index"], i + 1);
}

TEST_F(FlameMap, DrawsABarOnATerminal) {
  CommandRun run(arguments("wait"), "[200]\n[100]\n[\"x\"]\n", {"TERM=xterm"}, Errors::terminal);
  const auto result = run.finish();
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("[==="));
  EXPECT_THAT(result.err, HasSubstr("\x1b[31mflame:\x1b[0m line 3"));
  EXPECT_THAT(result.err, HasSubstr("\r\x1b[K"));
}

TEST_F(FlameMap, HasNeitherBarNorColoursElsewhere) {
  // Long enough for the line that tells every two seconds how far it is.
  const auto result = flame_command(arguments("wait"), "[2500]\n[\"x\"]\n");
  EXPECT_THAT(result.err, HasSubstr("flame: 1/2 done (1 of them failed), 1 running, 2 s\n"));
  EXPECT_EQ(result.err.find('\x1b'), std::string::npos) << result.err;
  EXPECT_EQ(result.err.find('\r'), std::string::npos) << result.err;
}

TEST_F(FlameMap, ObeysNoColor) {
  CommandRun run(arguments("greet"), "[1]\n", {"TERM=xterm", "NO_COLOR=1"}, Errors::terminal);
  EXPECT_EQ(run.finish().err.find("\x1b[31m"), std::string::npos);
}

TEST_F(FlameMap, StoresTheBytesOfEachResultInAFileNamedAfterItsLine) {
  const auto store = files() / "out";
  const auto result = flame_command(arguments("reverse", {"--attachments", store}), "[\"abc\"]\n[\"xy\"]\n");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  for (const auto& line : lines(result.out)) {
    EXPECT_EQ(line["result"], "@" + store + "/" + line["index"].dump() + "-1.bin");
  }
  EXPECT_EQ(base::read_file(store + "/1-1.bin", 100).value(), "cba");
  EXPECT_EQ(base::read_file(store + "/2-1.bin", 100).value(), "yx");
}

TEST_F(FlameMap, NeedsNoInput) {
  const auto result = flame_command(arguments("greet"), "");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, "");
}

TEST_F(FlameMap, CancelsOnCtrlC) {
  CommandRun run(arguments("wait", {"--concurrency", "2"}), "[60000]\n[60000]\n[60000]\n");
  ASSERT_TRUE(run.wait_for_error_text("waiting"));
  run.signal(SIGINT);
  const auto result = run.finish();
  EXPECT_EQ(result.exit_code, 130);
  for (const auto& line : lines(result.out)) EXPECT_EQ(line["error"]["code"], "cancelled");
}

TEST_F(FlameMap, WaitsUntilThePoolIsAtZero) {
  config_ = write_config("max = 1\nidle_shutdown_after = \"200ms\"\n");
  const auto result = flame_command(arguments("greet", {"--until-idle"}), "\"a\"\n");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("runners up: 0"));
  EXPECT_THAT(result.err, Not(HasSubstr("runners up: 2"))) << "one that drains is counted once";
}

TEST_F(FlameMap, RefusesToWaitForAPoolThatNeverIdles) {
  config_ = write_config("idle_shutdown_after = \"infinite\"\n");
  EXPECT_EQ(flame_command(arguments("greet", {"--until-idle"}), "").exit_code, 2);
}

}  // namespace
}  // namespace flame::test
