// `flame status` and `flame why` on running hosts: `flame map` and `flame call` are the hosts here.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <csignal>

#include "tests/integration/tools/cli_test.hpp"
#include "tests/support/eventually.hpp"

namespace flame::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

class FlameStatus : public CliTest {
 protected:
  /// A host that works until it is told to end.
  [[nodiscard]] CommandRun working(const std::string& lines = "[60000]\n") const {
    return CommandRun({"map", "--config", config_, "main", "cli_fixture::wait"}, lines);
  }
  [[nodiscard]] static CommandResult on(const CommandRun& run, std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--host", std::to_string(run.pid())});
    return flame_command(arguments);
  }
};
class FlameWhy : public FlameStatus {};

TEST_F(FlameStatus, ShowsThePoolOfARunningMap) {
  CommandRun run = working();
  ASSERT_TRUE(run.wait_for_error_text("waiting"));
  const auto shown = on(run, {"status"});
  EXPECT_EQ(shown.exit_code, 0) << shown.err;
  EXPECT_THAT(shown.out, HasSubstr("pid " + std::to_string(run.pid())));
  EXPECT_THAT(shown.out, HasSubstr("pool main  backend local  1 runner of 0 to 2 up; 1 of 2 slots busy"));
  EXPECT_THAT(shown.out, HasSubstr("main-1  ready  1/2"));
  EXPECT_THAT(shown.out, HasSubstr("cli-fixture@1.2.3"));
  const auto result = json::parse(on(run, {"status", "main", "--json"}).out);
  EXPECT_EQ(result["ok"], true);
  const json& host = result["result"]["hosts"][0];
  EXPECT_EQ(host["pid"], run.pid());
  EXPECT_EQ(host["pools"][0]["stats"]["slots_busy"], 1);
  EXPECT_EQ(host["pools"][0]["runners"][0]["state"], "ready");
  const auto by_path = flame_command({"status", "--control", host["control"].get<std::string>()});
  EXPECT_EQ(by_path.exit_code, 0) << by_path.err;
  run.signal(SIGINT);
  EXPECT_EQ(run.finish().exit_code, 130);
}

TEST_F(FlameStatus, ListsEveryHostThatRuns) {
  CommandRun first = working();
  CommandRun second = working();
  ASSERT_TRUE(first.wait_for_error_text("waiting"));
  ASSERT_TRUE(second.wait_for_error_text("waiting"));
  const auto shown = flame_command({"status"});
  EXPECT_EQ(shown.exit_code, 0) << shown.err;
  for (const CommandRun* run : {&first, &second}) {
    EXPECT_THAT(shown.out, HasSubstr("pid " + std::to_string(run->pid()) + " "));
    run->signal(SIGTERM);
  }
  EXPECT_EQ(first.finish().exit_code, 143);
  EXPECT_EQ(second.finish().exit_code, 143);
}

TEST_F(FlameStatus, SaysWhenTheHostIsNotThere) {
  const auto none = flame_command({"status", "--host", "no-such-host"});
  EXPECT_EQ(none.exit_code, 1);
  EXPECT_THAT(none.err, testing::AnyOf(HasSubstr("no running host"), HasSubstr("no host of yours runs")));
  const auto path = flame_command({"status", "--control", "/nonexistent", "--json"});
  EXPECT_EQ(path.exit_code, 1);
  EXPECT_EQ(json::parse(path.out)["error"]["code"], "not_found");
}

TEST_F(FlameStatus, NamesThePoolsOfAHostThatHasNoneOfThatName) {
  CommandRun run = working();
  ASSERT_TRUE(run.wait_for_error_text("waiting"));
  const auto shown = on(run, {"status", "mian"});
  EXPECT_EQ(shown.exit_code, 1);
  EXPECT_THAT(shown.err, HasSubstr("did you mean \"main\""));
  run.signal(SIGINT);
  static_cast<void>(run.finish());
}

TEST_F(FlameStatus, PassesOverAKilledHostWhoseLeftoversTheNextOneRemoves) {
  const auto hosts_on_disk = [this] {
    std::size_t hosts = 0;
    for (const auto& entry : entries_of(directory())) hosts += entry.ends_with("/pid") ? 1 : 0;
    return hosts;
  };
  {
    CommandRun run = working();
    ASSERT_TRUE(run.wait_for_error_text("waiting"));
    run.signal(SIGKILL);
    EXPECT_EQ(run.finish().exit_code, 128 + SIGKILL);
    EXPECT_EQ(on(run, {"status"}).exit_code, 1);
    EXPECT_THAT(flame_command({"status"}).out, Not(HasSubstr("pool main")));
  }
  EXPECT_EQ(hosts_on_disk(), 1U) << "a killed host removes nothing";
  EXPECT_EQ(call("greet", {R"(["next"])"}).exit_code, 0);
  EXPECT_EQ(hosts_on_disk(), 0U);
  // This process is a subreaper: the runners of the killed host have become its own to collect.
  EXPECT_TRUE(eventually([] {
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
    return descendants(::getpid()).empty();
  }));
}

TEST_F(FlameStatus, SaysThatAStoppedHostDoesNotAnswer) {
  CommandRun run = working();
  ASSERT_TRUE(run.wait_for_error_text("waiting"));
  run.signal(SIGSTOP);
  const auto shown = on(run, {"status"});
  run.signal(SIGCONT);
  EXPECT_EQ(shown.exit_code, 1);
  EXPECT_THAT(shown.err, HasSubstr("does not answer"));
  run.signal(SIGINT);
  EXPECT_EQ(run.finish().exit_code, 130);
}

TEST_F(FlameStatus, SaysThatAHostHasNoSocket) {
  const auto config = write_config("max = 1\n[host]\ncontrol = \"off\"\n");
  CommandRun run({"map", "--config", config, "main", "cli_fixture::wait"}, "[60000]\n");
  ASSERT_TRUE(run.wait_for_error_text("waiting"));
  const auto shown = on(run, {"status"});
  EXPECT_EQ(shown.exit_code, 1);
  EXPECT_THAT(shown.err, HasSubstr("control = \"off\""));
  run.signal(SIGINT);
  static_cast<void>(run.finish());
}

TEST_F(FlameStatus, TheSocketOfTheConfigurationIsLeftToTheProgramItWasWrittenFor) {
  const auto config = write_config("max = 1\n[host]\ncontrol = \"service.sock\"\n");
  static_cast<void>(files().write("service.sock", "of the service"));
  const auto result = flame_command({"call", "--config", config, "main", "cli_fixture::greet", R"(["x"])"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
}

TEST_F(FlameWhy, TellsWhatBecameOfTheCallThatAnErrorNames) {
  // The second line fails at once; the first keeps the host alive.
  CommandRun run({"map", "--config", config_, "main", "cli_fixture::wait_or_fail"}, "[60000]\n[-1]\n");
  ASSERT_TRUE(run.wait_for_error_text("(invocation 2)"));
  const auto told = on(run, {"why", "2"});
  EXPECT_EQ(told.exit_code, 0) << told.err;
  EXPECT_THAT(told.out, HasSubstr("invocation 2  cli_fixture::wait_or_fail  ended: task_failed"));
  EXPECT_THAT(told.out, HasSubstr("sent to runner main-1"));
  EXPECT_THAT(told.out, HasSubstr("failed: task_failed: std::invalid_argument: negative time"));
  EXPECT_EQ(on(run, {"why", "--failed"}).exit_code, 0);
  const auto running = json::parse(on(run, {"why", "1", "--json"}).out)["result"]["calls"][0];
  EXPECT_EQ(running["state"], "running");
  EXPECT_EQ(running["lines"][0]["what"], "submitted");
  const auto unknown = on(run, {"why", "99"});
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_THAT(unknown.err, HasSubstr("does not know invocation 99"));
  run.signal(SIGINT);
  static_cast<void>(run.finish());
}

TEST_F(FlameWhy, FlameCallTellsTheStoryItself) {
  const auto crashed = call("crash", {"--why"});
  EXPECT_EQ(crashed.exit_code, 1);
  EXPECT_THAT(crashed.err, HasSubstr("(invocation 1)"));
  EXPECT_THAT(crashed.err, HasSubstr("waits: no runner was up; runner main-1 was asked of backend local"));
  EXPECT_THAT(crashed.err, HasSubstr("failed: crashed: The task's process died: segmentation fault (signal 11)"));
  EXPECT_EQ(call("greet", {R"(["x"])"}).err, "");
}

TEST_F(FlameWhy, NeedsToKnowWhichCall) {
  EXPECT_EQ(flame_command({"why"}).exit_code, 2);
  EXPECT_EQ(flame_command({"why", "1", "--last"}).exit_code, 2);
  EXPECT_EQ(flame_command({"why", "seventeen"}).exit_code, 2);
  EXPECT_EQ(flame_command({"why", "1", "--host", "x", "--control", "/y"}).exit_code, 2);
}

}  // namespace
}  // namespace flame::test
