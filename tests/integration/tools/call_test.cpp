// `flame call`, `flame check` and wrong usage.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "plugin_sdk/base/file.hpp"
#include "tests/integration/tools/cli_test.hpp"

namespace flame::test {
namespace {

using nlohmann::json;
using testing::ContainsRegex;
using testing::HasSubstr;

class FlameCall : public CliTest {};
class FlameCheck : public CliTest {};
class FlameUsage : public CliTest {};

TEST_F(FlameCall, PrintsTheResultAsJson) {
  const auto result = call("greet", {R"(["world"])"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, "\"Hello, world!\"\n");
}

TEST_F(FlameCall, TakesStructsSingleValuesAndNoArguments) {
  EXPECT_EQ(call("translate", {R"([{"x": 1, "y": 2}, 10, 20])"}).out, "{\"x\":11,\"y\":22}\n");
  EXPECT_EQ(call("greet", {"\"you\""}).out, "\"Hello, you!\"\n");
  EXPECT_EQ(call("count_letters", {R"(["aab"])"}).out, "{\"a\":2,\"b\":1}\n");
  EXPECT_EQ(call("nothing", {}).out, "null\n");
}

TEST_F(FlameCall, SendsFilesAndStoresBytes) {
  const auto file = files().write("in", "abc");
  const auto store = files() / "out";
  EXPECT_EQ(call("reverse", {"[\"@" + file + "\"]"}).out, "\"base64:Y2Jh\"\n");
  const auto result = call("reverse", {"[\"@" + file + "\"]", "--attachments", store});
  const auto path = json::parse(result.out).get<std::string>();
  EXPECT_EQ(path, "@" + store + "/1.bin");
  EXPECT_EQ(base::read_file(store + "/1.bin", 100).value(), "cba");
}

TEST_F(FlameCall, TellsWhyATaskFailedWithExitCodeOne) {
  const auto result = call("greet", {R"([""])"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, HasSubstr("whom shall I greet?"));
  EXPECT_THAT(result.err, HasSubstr("std::invalid_argument"));
  EXPECT_THAT(result.err, ContainsRegex("\n  cli_fixture::greet\\(.*\\) at cli-fixture.so\\+0x"));
}

TEST_F(FlameCall, ShowsWhereATaskCrashed) {
  const auto result = call("crash", {});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("segmentation fault"));
  EXPECT_THAT(result.err, HasSubstr("\n  cli_fixture::crash() at cli-fixture.so+0x"));
}

TEST_F(FlameCall, GivesErrorsAsJsonWhenAskedTo) {
  const auto failed = json::parse(call("greet", {R"([""])", "--json"}).out);
  EXPECT_EQ(failed["ok"], false);
  EXPECT_EQ(failed["error"]["code"], "task_failed");
  EXPECT_EQ(failed["error"]["type"], "std::invalid_argument");
  const auto crashed = json::parse(call("crash", {"--json"}).out);
  EXPECT_EQ(crashed["error"]["code"], "crashed");
  EXPECT_EQ(crashed["error"]["signal"], SIGSEGV);
}

TEST_F(FlameCall, SaysWhichArgumentIsWrongAndWhatTheTaskTakes) {
  const auto result = call("translate", {R"([{"x": "one"}, 1, 2])"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("argument 1.x: expected a whole number"));
  EXPECT_THAT(result.err, HasSubstr("({x: int32, y: int32}, int32, int32)"));
}

TEST_F(FlameCall, SuggestsTheNearestTaskAndPool) {
  const auto task = call("gret", {});
  EXPECT_EQ(task.exit_code, 2);
  EXPECT_THAT(task.err, HasSubstr("cli_fixture::greet"));
  const auto pool = flame_command({"call", "--config", config_, "mian", "cli_fixture::greet"});
  EXPECT_EQ(pool.exit_code, 2);
  EXPECT_THAT(pool.err, HasSubstr("did you mean \"main\""));
}

TEST_F(FlameCall, EndsATaskAtItsTimeout) {
  const auto result = json::parse(call("wait", {"[60000]", "--timeout", "3s", "--json"}).out);
  EXPECT_EQ(result["error"]["code"], "timed_out");
}

TEST_F(FlameCall, CancelsOnCtrlC) {
  CommandRun run({"call", "--config", config_, "main", "cli_fixture::wait", "[60000]"}, "");
  ASSERT_TRUE(run.wait_for_error_text("waiting"));
  run.signal(SIGINT);
  const auto result = run.finish();
  EXPECT_EQ(result.exit_code, 130) << result.err;
}

TEST_F(FlameCheck, NamesPoolsAndPluginsOfARightFile) {
  const auto result = flame_command({"check", config_});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("pool main: 0 to 2 runners"));
  EXPECT_THAT(result.out, HasSubstr("cli-fixture@1.2.3"));
}

TEST_F(FlameCheck, NamesPlaceAndNearestKeyOfAWrongOne) {
  const auto config = write_config("maxx = 3\n");
  const auto result = flame_command({"check", config});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr(config + ":5:1"));
  EXPECT_THAT(result.err, HasSubstr("max"));
}

TEST_F(FlameCheck, ReportsMissingPluginsAndWrongBackendOptions) {
  const auto config = write_config("max = 1\n[backends.local]\nrunnr = \"/x\"\n[pools.other]\nplugins = [\"ghost\"]\n");
  const auto result = flame_command({"check", config});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr(config + ":9:12: pools.other.plugins: "));
  EXPECT_THAT(result.err, HasSubstr("ghost"));
  EXPECT_THAT(result.err, HasSubstr(config + ":7:9: "));
  EXPECT_THAT(result.err, HasSubstr("did you mean \"runner\""));
}

TEST_F(FlameCheck, ReportsUnknownBackendsOfPoolsAndTables) {
  const auto config = write_config("backend = \"lokal\"\n[backends.locl]\nrunnr = \"/x\"\n");
  const auto result = flame_command({"check", config});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr(config + ":5:11: pools.main.backend: there is no backend \"lokal\"; did you mean"));
  EXPECT_THAT(result.err, HasSubstr(config + ":6:1: backends.locl: \"locl\" is no kind of backend; did you mean"));
}

TEST_F(FlameCheck, ReportsWrongOptionsOfABackendThatNoPoolUses) {
  const auto config = files().write("unused.toml", "[backends.local]\nrunnr = \"/x\"\n");
  const auto result = flame_command({"check", config});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr(config + ":2:9: "));
}

TEST_F(FlameUsage, WrongUsageIsExitCodeTwo) {
  EXPECT_EQ(flame_command({}).exit_code, 2);
  EXPECT_EQ(flame_command({"cal"}).exit_code, 2);
  EXPECT_EQ(flame_command({"call", "main"}).exit_code, 2);
  EXPECT_EQ(call("wait", {"[1]", "--timeout", "soon"}).exit_code, 2);
  EXPECT_EQ(call("wait", {"[1"}).exit_code, 2);
  EXPECT_EQ(flame_command({"call", "--config", "/no/such.toml", "main", "x"}).exit_code, 2);
}

TEST_F(FlameUsage, EveryCommandHasHelpWithAnExample) {
  for (const auto& command : std::vector<std::vector<std::string>>{{"call"},
                                                                   {"map"},
                                                                   {"check"},
                                                                   {"bench"},
                                                                   {"status"},
                                                                   {"why"},
                                                                   {"plugin", "inspect"},
                                                                   {"plugin", "schema"},
                                                                   {"new", "plugin"}}) {
    auto arguments = command;
    arguments.emplace_back("--help");
    const auto result = flame_command(arguments);
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_THAT(result.out, HasSubstr("Example")) << command.front();
  }
}

TEST_F(FlameUsage, AMissingRunnerIsToldWithThePlacesThatWereTried) {
  CommandRun run({"call", "--config", config_, "main", "cli_fixture::greet", R"(["x"])"}, "",
                 {"FLAME_RUNNER=/no/such/runner"});
  const auto result = run.finish();
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("/no/such/runner"));
  EXPECT_THAT(result.err, HasSubstr("FLAME_RUNNER"));
}

}  // namespace
}  // namespace flame::test
