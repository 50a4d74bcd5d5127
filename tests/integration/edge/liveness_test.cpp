// A host in a debugger, a laptop that sleeps, a container that is paused: silence where nobody has died.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "plugin_sdk/base/file.hpp"
#include "plugin_sdk/base/spawn.hpp"
#include "tests/integration/edge/liveness_tasks.hpp"
#include "tests/integration/edge/support.hpp"
#include "tests/support/processes.hpp"
#include "tests/support/temp_dir.hpp"

namespace flame::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::HasSubstr;
using Clock = std::chrono::steady_clock;

class Liveness : public EdgeTest {
 protected:
  /// Runs `flame` with these arguments; standard output and error go to files.
  base::Spawned start(std::vector<std::string> arguments, const std::string& name) {
    arguments.insert(arguments.begin(), "flame");
    const base::UniqueFd out(
        ::open((files_ / (name + ".out")).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    const base::UniqueFd err(
        ::open((files_ / (name + ".err")).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    auto started =
        base::spawn({.path = FLAME_TEST_COMMAND,
                     .argv = std::move(arguments),
                     .env = {"PATH=/usr/bin:/bin", "TMPDIR=" + directory(), "XDG_RUNTIME_DIR=" + directory()},
                     .fds = {{out.get(), 1}, {err.get(), 2}}});
    if (!started) throw std::runtime_error("cannot start " FLAME_TEST_COMMAND);
    return std::move(*started);
  }
  [[nodiscard]] std::string text(const std::string& name) const {
    return base::read_file(files_ / name, 1 << 20).value();
  }

  /// A host program that calls work() for so long; it has begun when this returns.
  base::Spawned start_host(const std::string& listen, int milliseconds) {
    const std::string toml = files_.write("flame.toml", "[host]\nlisten = [\"" + listen +
                                                            "\"]\n[plugins]\npath = [\"" FLAME_TEST_PLUGINS
                                                            "\"]\n[backends.local]\nrunner = \"" FLAME_TEST_RUNNER
                                                            "\"\n[pools.p]\nplugins = [\"edge_liveness@1\"]\nmax = 1\n"
                                                            "timeout = \"5min\"\n");
    const std::string begun = files_ / "begun";
    auto host = start({"call", "--config", toml, "p", "edge_liveness::work", json::array({begun, milliseconds}).dump()},
                      "host");
    EXPECT_TRUE(eventually([&] { return ::access(begun.c_str(), F_OK) == 0; }, 20s)) << text("host.err");
    return host;
  }
  static int exit_code(const base::Spawned& process) {
    int status = 0;
    ::waitpid(process.pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  /// Stops these processes for so long.
  static void freeze(const std::vector<pid_t>& pids, Clock::duration time) {
    for (const pid_t pid : pids) ::kill(pid, SIGSTOP);
    const auto until = Clock::now() + time;
    static_cast<void>(eventually([&] { return Clock::now() >= until; }, time + 10s));
    for (const pid_t pid : pids) ::kill(pid, SIGCONT);
  }
  void expect_success(const base::Spawned& host) {
    EXPECT_EQ(exit_code(host), 0) << text("host.err");
    EXPECT_EQ(text("host.out"), "\"worked\"\n");
  }

  TempDir files_;
};

TEST_F(Liveness, ABreakpointInAHostWithLocalRunnersLosesNothing) {
  const auto host = start_host("ipc://auto", 16'000);
  freeze({host.pid}, 13s);
  expect_success(host);
}

TEST_F(Liveness, HostAndRunnerThatAreFrozenTogetherLoseNothing) {
  const auto host = start_host("ipc://auto", 20'000);
  std::vector<pid_t> all{host.pid};
  for (const pid_t pid : descendants(host.pid)) all.push_back(pid);
  freeze(all, 17s);
  expect_success(host);
}

TEST_F(Liveness, HostAndRunnerThatAreFrozenTogetherLoseNothingOverTcpEither) {
  const auto host = start_host("tcp://127.0.0.1:0", 20'000);
  std::vector<pid_t> all{host.pid};
  for (const pid_t pid : descendants(host.pid)) all.push_back(pid);
  freeze(all, 17s);
  expect_success(host);
}

TEST_F(Liveness, ALocalRunnerThatIsSilentIsNotLostAndGetsNoNewCalls) {
  HostConfig quick = config("liveness", [](PoolConfig& pool) { pool.timeout = 60s; });
  quick.liveness = {.beat = 100ms, .host_silence = 1s, .runner_silence = 1500ms, .failsafe = 20s};
  Host host(std::move(quick));
  const Pool pool = host.pool("p");
  ASSERT_GT(pool.call<edge_liveness::supervisor>(), 1);
  auto running = pool.async<edge_liveness::work>(files_ / "begun", 100);
  ASSERT_TRUE(eventually([&] { return ::access((files_ / "begun").c_str(), F_OK) == 0; }));
  std::vector<pid_t> runner;
  for (const pid_t pid : descendants(::getpid())) runner.push_back(pid);
  for (const pid_t pid : runner) ::kill(pid, SIGSTOP);
  const auto status = [this](const std::vector<std::string>& more) {
    static int number = 0;
    const std::string name = "status" + std::to_string(++number);
    std::vector<std::string> arguments = {"status"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    EXPECT_EQ(exit_code(start(std::move(arguments), name)), 0) << text(name + ".err");
    return text(name + ".out");
  };
  EXPECT_TRUE(eventually([&] { return status({}).find("silent") != std::string::npos; }, 20s)) << status({});
  auto waiting = pool.async<edge_liveness::supervisor>();
  EXPECT_FALSE(waiting.wait_for(500ms));
  EXPECT_EQ(pool.stats().waiting, 1U) << "it is not sent where nobody answers";
  const auto shown = json::parse(status({"--json"}));
  EXPECT_THAT(shown.dump(), HasSubstr("\"state\":\"silent\""));
  EXPECT_EQ(exit_code(start({"why", std::to_string(running.id())}, "why")), 0) << text("why.err");
  EXPECT_THAT(text("why.out"), HasSubstr("nothing was heard from runner p-1"));
  for (const pid_t pid : runner) ::kill(pid, SIGCONT);
  const auto worked = running.try_get();
  EXPECT_TRUE(worked.has_value()) << worked.error().to_string();
  EXPECT_TRUE(waiting.try_get().has_value());
  EXPECT_EQ(pool.stats().runners_lost, 0U);
  EXPECT_EQ(pool.stats().boots, 1U);
}

TEST_F(Liveness, AnIdleRunnerThatIsStoppedKeepsNoCallWaitingAndItsHostEndsSoon) {
  HostConfig quick = config("liveness", [](PoolConfig& pool) { pool.shutdown_timeout = 60s; });
  quick.liveness = {.beat = 100ms, .host_silence = 1s, .runner_silence = 1500ms, .failsafe = 20s};
  std::optional<Host> host(std::in_place, std::move(quick));
  const Pool pool = host->pool("p");
  const auto supervisor = static_cast<pid_t>(pool.call<edge_liveness::supervisor>());
  ASSERT_TRUE(eventually([&] { return pool.stats().slots_busy == 0; }));
  ASSERT_EQ(::kill(supervisor, SIGSTOP), 0);
  ASSERT_TRUE(eventually(
      [&] {
        EXPECT_EQ(exit_code(start({"status"}, "status")), 0) << text("status.err");
        return text("status.out").find("silent") != std::string::npos;
      },
      20s))
      << text("status.out");
  const auto served = pool.with({.timeout = 20s}).try_call<edge_liveness::supervisor>();
  ASSERT_TRUE(served.has_value()) << served.error().to_string();
  EXPECT_NE(*served, supervisor);
  EXPECT_EQ(pool.stats().boots, 2U);
  const auto before = Clock::now();
  host.reset();
  EXPECT_LT(Clock::now() - before, 20s);
}

// Its proof of death counts, silent or not.
TEST_F(Liveness, ALocalRunnerThatIsSilentAndDiesIsLostAtOnce) {
  HostConfig quick = config("liveness");
  quick.liveness = {.beat = 100ms, .host_silence = 1s, .runner_silence = 1500ms, .failsafe = 20s};
  Host host(std::move(quick));
  const Pool pool = host.pool("p");
  const auto supervisor = static_cast<pid_t>(pool.call<edge_liveness::supervisor>());
  auto running = pool.with({.timeout = 60s}).async<edge_liveness::work>(files_ / "begun", 60'000);
  ASSERT_TRUE(eventually([&] { return ::access((files_ / "begun").c_str(), F_OK) == 0; }));
  ::kill(supervisor, SIGSTOP);
  EXPECT_FALSE(running.wait_for(2500ms));
  ::kill(supervisor, SIGKILL);
  ASSERT_TRUE(running.wait_for(10s));
  const auto lost = running.try_get();
  ASSERT_TRUE(lost.has_error());
  EXPECT_EQ(lost.error().code, ErrorCode::runner_lost);
}

TEST_F(Liveness, TheFileHasItsFiguresAndRefusesThoseThatCannotBe) {
  const auto message = [](const std::string& toml) {
    const auto config = parse_config(toml, "flame.toml");
    return config ? std::string() : config.error().message;
  };
  const auto good = parse_config(
      "[host.liveness]\nbeat = \"500ms\"\nhost_silence = \"infinite\"\nrunner_silence = \"infinite\"\n"
      "failsafe = \"5s\"\n",
      "flame.toml");
  ASSERT_TRUE(good.has_value()) << good.error().message;
  EXPECT_EQ(good->liveness.beat, 500ms);
  EXPECT_EQ(good->liveness.runner_silence, kForever);
  EXPECT_EQ(good->liveness.failsafe, 5s);
  EXPECT_THAT(message("[host]\nlisten = [\"tcp://[::]:0\"]\n[host.liveness]\nrunner_silence = \"infinite\"\n"),
              HasSubstr("flame.toml:4:18: host.liveness.runner_silence must not be infinite with a tcp endpoint"));
  EXPECT_THAT(message("[host.liveness]\nbeat = \"3s\"\n"),
              HasSubstr("flame.toml:2:8: host.liveness.beat does not fit"));
  EXPECT_THAT(message("[host.liveness]\nhost_silence = \"20s\"\n"),
              HasSubstr("flame.toml:2:16: host.liveness.host_silence does not fit: runner_silence (15s)"));
  EXPECT_THAT(message("[host.liveness]\nbeat = \"1ns\"\n"),
              HasSubstr("flame.toml:2:8: host.liveness.beat must be at least 10ms"));
  EXPECT_THAT(message("[host.liveness]\nfailsafe = \"1ms\"\n"),
              HasSubstr("flame.toml:2:12: host.liveness.failsafe must be at least 1s"));
  EXPECT_THAT(message("[host.liveness]\nfailsave = \"3s\"\n"), HasSubstr("flame.toml:2:1: unknown key \"failsave\""));
}

}  // namespace
}  // namespace flame::test
