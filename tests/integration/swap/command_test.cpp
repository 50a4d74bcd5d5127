// `flame plugin activate` and `rollback` as people use them, on hosts in this process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include <csignal>
#include <optional>

#include "host/src/plugins/store/store.hpp"
#include "host/src/setup/runtime_dir.hpp"
#include "plugin_sdk/base/limits.hpp"
#include "tests/integration/swap/swap_test.hpp"
#include "tests/integration/tools/command_run.hpp"
#include "tools/flame/control_client.hpp"

namespace flame::test::command_test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class SwapCommand : public SwapTest {
 protected:
  /// What is recorded as active: for all hosts, or in a scope.
  std::string recorded(const store::Scope& scope = {}) {
    const auto records = store().records("swap");
    if (!records) return records.error().message;
    for (const store::Record& record : records->all())
      if (record.scope == scope) return record.digest;
    return {};
  }
  /// `flame plugin WORDS --store …`
  [[nodiscard]] std::vector<std::string> plugin(std::vector<std::string> words) const {
    words.insert(words.begin(), "plugin");
    words.insert(words.end(), {"--store", store_});
    return words;
  }
  [[nodiscard]] CommandResult run(std::vector<std::string> words) const {
    return flame_command(plugin(std::move(words)));
  }
  /// What it says on standard error; it exits with 1.
  [[nodiscard]] std::string failure(std::vector<std::string> words) const {
    const CommandResult result = run(std::move(words));
    EXPECT_EQ(result.exit_code, 1) << result.out << result.err;
    return result.err;
  }
  static std::string version(const Host& host, const std::string& pool = "work") {
    return host.pool(pool).call<swap::version>();
  }
  [[nodiscard]] static std::string me(const std::string& host = "here") {
    return host + " (pid " + std::to_string(::getpid()) + "): ";
  }
  [[nodiscard]] static control::Answer ask(const control::Request& request) {
    const auto hosts = pool::live_hosts();
    EXPECT_EQ(hosts.size(), 1U);
    return cli::ask_host(hosts.front().control_socket, request, limits::kControlClientTime);
  }
  [[nodiscard]] static bool is_changing() {
    const auto answer = ask(control::StatusRequest{});
    return answer && !std::get<control::HostStatus>(*answer).pools.at(0).lines.at(0).candidate.empty();
  }
  [[nodiscard]] static ChangePool boot_timeout(Duration time) {
    return [time](PoolConfig& pool) { pool.boot_timeout = time; };
  }
};

TEST_F(SwapCommand, ActivatesOnARunningHostAndForAllThatStartLaterAndRollsBack) {
  const std::string one = install("1.0.0").digest;
  std::optional<Host> host(config());
  const std::string other = install("1.1.0").digest;
  const CommandResult done = run({"activate", "swap@1.1.0"});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_EQ(done.out, me() + "pool work: swap@1.0.0 -> swap@1.1.0\n" +
                          "swap@1.1.0 is what every host takes when it starts: it is recorded in the plugin store " +
                          store_ + "\n");
  EXPECT_EQ(version(*host), "1.1.0");
  EXPECT_EQ(recorded(), other);
  EXPECT_EQ(recorded({.host = "here", .pool = ""}), "") << "the broader record says it";
  EXPECT_THAT(flame_command({"status"}).out, HasSubstr("\n  swap@1: swap@1.1.0 serves, before it swap@1.0.0\n"));
  EXPECT_THAT(run({"list"}).out, HasSubstr("here (pid " + std::to_string(::getpid()) + ")"));

  host.reset();
  host.emplace(config());
  EXPECT_EQ(version(*host), "1.1.0");
  const CommandResult back = run({"rollback", "swap", "--json"});
  EXPECT_EQ(back.exit_code, 0) << back.out;
  EXPECT_EQ(version(*host), "1.0.0") << "what was before the restart";
  EXPECT_EQ(recorded(), one);
  const json result = json::parse(back.out)["result"];
  EXPECT_EQ(result["hosts"][0]["host"], "here");
  EXPECT_EQ(result["hosts"][0]["result"]["switched"][0]["to"], "swap@1.0.0");
  EXPECT_EQ(result["digest"], one);
  EXPECT_EQ(result["recorded"], true);
}

TEST_F(SwapCommand, OfTwoHostsOneCannot) {
  install("1.0.0");
  Host host(config());
  HostConfig pinned = config("swap@1.0.0");
  pinned.name = "there";
  const Host other(std::move(pinned));
  install("1.1.0");
  const CommandResult result = run({"activate", "swap@1.1.0"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.out, me() + "pool work: swap@1.0.0 -> swap@1.1.0\n");
  EXPECT_THAT(result.err, HasSubstr("flame: " + me("there") + "no pool takes swap@1.1.0: pools.work.plugins[0] is"));
  EXPECT_EQ(recorded(), "") << "not for all";
  EXPECT_EQ(version(host), "1.1.0");
  EXPECT_EQ(version(other), "1.0.0");
}

TEST_F(SwapCommand, AHostWithoutThePluginIsNotAsked) {
  install("1.0.0");
  const Host host(config());
  install("1.1.0");
  const CommandResult result = run({"activate", "swpa@1.1.0"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, AllOf(HasSubstr("no running host of yours serves swpa"), HasSubstr("did you mean \"swap\"")));
  EXPECT_EQ(version(host), "1.0.0");
}

TEST_F(SwapCommand, OneHostAloneKeepsItForItself) {
  install("1.0.0");
  const Host host(config());
  const std::string other = install("1.1.0").digest;
  EXPECT_EQ(run({"activate", "swap@1.1.0", "--host", "here"}).out, me() + "pool work: swap@1.0.0 -> swap@1.1.0\n");
  EXPECT_EQ(recorded(), "");
  EXPECT_EQ(recorded({.host = "here", .pool = ""}), other);
  const std::string socket = pool::live_hosts().front().control_socket;
  EXPECT_EQ(run({"rollback", "swap", "--control", socket}).out, me() + "pool work: swap@1.1.0 -> swap@1.0.0\n");
  EXPECT_THAT(failure({"rollback", "swap", "--host", "nobody"}), HasSubstr("no running host has the name or pid"));
}

TEST_F(SwapCommand, OnePoolAlone) {
  install("1.0.0");
  HostConfig both = config();
  both.pools["other"] = both.pools["work"];
  const Host host(std::move(both));
  const std::string newer = install("1.1.0").digest;
  EXPECT_EQ(run({"activate", "swap@1.1.0", "--pool", "other"}).out, me() + "pool other: swap@1.0.0 -> swap@1.1.0\n");
  EXPECT_EQ(version(host, "other"), "1.1.0");
  EXPECT_EQ(version(host), "1.0.0");
  EXPECT_EQ(recorded(), "");
  EXPECT_EQ(recorded({.host = "here", .pool = "other"}), newer);
  EXPECT_THAT(failure({"activate", "swap@1.1.0", "--pool", "wrok"}), HasSubstr("no running host of yours has a pool"));
}

TEST_F(SwapCommand, WhereNoHostRunsTheNextStartTakesIt) {
  const std::string one = install("1.0.0").digest;
  const std::string other = install("1.1.0").digest;
  EXPECT_THAT(failure({"rollback", "swap"}), HasSubstr("knows of no version of swap that was active"));
  const CommandResult done = run({"activate", "swap@1.0"});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr("the next start takes it"));
  EXPECT_EQ(recorded(), one);
  EXPECT_EQ(version(Host(config())), "1.0.0");
  EXPECT_EQ(run({"activate", "swap"}).exit_code, 0);
  EXPECT_EQ(recorded(), other);
  EXPECT_EQ(run({"rollback", "swap"}).exit_code, 0);
  EXPECT_EQ(recorded(), one);
  EXPECT_THAT(failure({"activate", "swap@1.9.0"}), HasSubstr("there are: swap@1.0.0, swap@1.1.0"));
}

TEST_F(SwapCommand, WhereNoHostRunsARefusedVersionWantsForce) {
  const std::string one = install("1.0.0").digest;
  const std::string bad = install("1.1.0").digest;
  ASSERT_TRUE(store().refuse(bad, {.reason = "it leaks", .host = "there", .time = 1}));
  EXPECT_THAT(failure({"activate", "swap@1.1.0"}), AllOf(HasSubstr("it leaks"), HasSubstr("--force")));
  EXPECT_EQ(run({"activate", "swap@1"}).exit_code, 0) << "the highest that is not refused";
  EXPECT_EQ(recorded(), one);
  EXPECT_THAT(run({"activate", "swap@1.1.0", "--force"}).out, HasSubstr("Its refusal is lifted"));
  EXPECT_EQ(version(Host(config())), "1.1.0");
}

TEST_F(SwapCommand, WhatAHostRefusesChangesNothingUnlessItIsForced) {
  install("1.0.0");
  const Host host(config());
  install("1.5.0");
  EXPECT_THAT(failure({"activate", "swap@1.9.0"}), AllOf(HasSubstr(me()), HasSubstr("there are: swap@1.0.0")));
  EXPECT_THAT(failure({"activate", "swap@1.5.0"}), AllOf(HasSubstr("old_task"), HasSubstr("force")));
  EXPECT_EQ(version(host), "1.0.0");
  EXPECT_EQ(recorded(), "");
  EXPECT_EQ(run({"activate", "swap@1.5.0", "--force", "--drain-within", "5min"}).exit_code, 0);
  EXPECT_EQ(version(host), "1.5.0");
}

TEST_F(SwapCommand, WithoutAStoreItHoldsUntilTheHostsEnd) {
  add("1.0.0");
  const Host host(config());
  add("1.1.0");
  const CommandResult result = run({"activate", "swap@1.1.0"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("There is no plugin store at " + store_ + ", so this holds until the hosts end"));
  EXPECT_FALSE(std::filesystem::exists(store_));
  EXPECT_EQ(version(host), "1.1.0");
}

TEST_F(SwapCommand, WrongUsageAsksNobody) {
  for (const std::vector<std::string>& words : {std::vector<std::string>{"activate"},
                                                {"activate", "swap@one"},
                                                {"rollback", "swap@1.0.0"},
                                                {"activate", "swap", "--drain-within", "5"},
                                                {"activate", "swap", "--host", "a", "--control", "b"}}) {
    EXPECT_EQ(run(words).exit_code, 2) << words.back();
  }
}

TEST_F(SwapCommand, ARequestIsAnsweredAtOnceWhileAStartHangs) {
  add("1.0.0");
  const Host host(config("swap@1", boot_timeout(2s)));
  static_cast<void>(version(host));
  add("1.3.0");
  const auto began = std::chrono::steady_clock::now();
  const auto begun = ask(control::ChangeRequest{.plugin = "swap@1.3.0", .options = {}});
  ASSERT_TRUE(begun) << begun.error().message;
  const auto number = std::get<control::OperationStatus>(*begun).number;
  const auto looked = ask(control::OperationRequest{number});
  EXPECT_LT(std::chrono::steady_clock::now() - began, 2s) << "before the start could be given up";
  ASSERT_TRUE(looked);
  EXPECT_EQ(std::get<control::OperationStatus>(*looked).state, "under_way");
  EXPECT_TRUE(eventually([&] { return ask(control::OperationRequest{number}).has_error(); }));
  EXPECT_THAT(ask(control::OperationRequest{number}).error().message, HasSubstr("swap@1.3.0"));
  const auto unknown = ask(control::OperationRequest{number + 1});
  ASSERT_TRUE(unknown.has_error());
  EXPECT_EQ(unknown.error().code, ErrorCode::not_found);
  EXPECT_THAT(failure({"activate", "swap@1.3.0"}), HasSubstr(me()));
  EXPECT_EQ(version(host), "1.0.0");
}

TEST_F(SwapCommand, InterruptedLeavesTheChangeUnderWay) {
  add("1.0.0");
  const Host host(config("swap@1", boot_timeout(30s)));
  static_cast<void>(version(host));
  add("1.3.0");
  CommandRun command(plugin({"activate", "swap@1.3.0"}), "");
  ASSERT_TRUE(eventually([] { return is_changing(); }));
  command.signal(SIGINT);
  const CommandResult result = command.finish();
  EXPECT_EQ(result.exit_code, 130);
  EXPECT_THAT(result.err, HasSubstr("the change goes on in host here"));
  EXPECT_TRUE(is_changing());
  EXPECT_THAT(flame_command({"status"}).out, HasSubstr("; swap@1.3.0 is being activated: the pool work waits for"));
}

TEST_F(SwapCommand, AHostThatShutsDownInTheMiddle) {
  add("1.0.0");
  Host host(config("swap@1", boot_timeout(30s)));
  static_cast<void>(version(host));
  add("1.3.0");
  CommandRun command(plugin({"activate", "swap@1.3.0"}), "");
  ASSERT_TRUE(eventually([] { return is_changing(); }));
  const auto began = std::chrono::steady_clock::now();
  host.shutdown();
  EXPECT_LT(std::chrono::steady_clock::now() - began, 10s);
  const CommandResult result = command.finish();
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("here (pid"));
  EXPECT_THAT(result.out, Not(HasSubstr("->")));
}

}  // namespace
}  // namespace flame::test::command_test
