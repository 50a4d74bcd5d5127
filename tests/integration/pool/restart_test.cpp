// Hosts and runners that are killed and replaced, in any order, on one machine: each host is served by its own runners
// only, and what belonged to a dead one goes when it was promised to.
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <ostream>

#include <gmock/gmock.h>

#include "plugin_sdk/base/unique_fd.hpp"
#include "tests/support/doomed_process.hpp"
#include "tests/support/loopback.hpp"
#include "tests/support/pool_test.hpp"

namespace flame::test {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::Not;

// A port that is free now: two hosts, one after the other, must have the same.
std::string free_address() {
  const base::UniqueFd probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return "tcp://127.0.0.1:" + std::to_string(bind_loopback(probe.get()));
}

class Restart : public PoolTest {
 protected:
  void SetUp() override {
    PoolTest::SetUp();
    // One machine: the next host finds what the killed one has left.
    ::setenv("XDG_RUNTIME_DIR", files_.path().c_str(), 1);
  }
  void TearDown() override {
    if (host_ > 0) kill_host();  // the test failed before it did
    EXPECT_TRUE(eventually([&] { return host_directories() == 0; })) << "its sockets are still there";
    PoolTest::TearDown();
  }

  /// Starts victim_host, whose calls run when this returns.
  void start_host(std::vector<std::string> arguments, const std::string& pool,
                  const std::string& runner = FLAME_TEST_RUNNER) {
    const std::string toml = "[host]\nlisten = [\"" + listen_ +
                             "\"]\n[plugins]\npath = [\"" FLAME_FIXTURE_PLUGINS "\"]\n[backends.local]\nrunner = \"" +
                             runner + "\"\n[pools.work]\nplugins = [\"pool_tasks@1\"]\nmax = 1\nmax_concurrency = 3\n" +
                             pool;
    arguments.insert(arguments.begin(), {files_.write("flame.toml", toml), files_.path()});
    host_ = start_until_ready(FLAME_TEST_VICTIM_HOST, std::move(arguments), files_);
  }
  void kill_host() {
    ASSERT_EQ(::kill(host_, SIGKILL), 0);
    killed_ = Clock::now();
    int status = 0;
    ASSERT_EQ(::waitpid(host_, &status, 0), host_);
    host_ = 0;
  }
  [[nodiscard]] Host next_host() const {
    HostConfig next = config();
    next.listen = {listen_};
    return Host(std::move(next));
  }

  /// All processes of the host's runner.
  [[nodiscard]] std::vector<pid_t> runner() const {
    const std::set<pid_t> pids = descendants(host_);
    return {pids.begin(), pids.end()};
  }
  static bool all_gone(const std::vector<pid_t>& pids, std::chrono::nanoseconds patience) {
    return eventually([&] { return std::ranges::all_of(pids, is_gone); }, patience);
  }
  [[nodiscard]] std::ptrdiff_t host_directories() const {
    return std::ranges::count_if(entries_of(files_.path()), [](const std::string& entry) {
      return entry.starts_with("flame-") && entry.find('/') == std::string::npos;
    });
  }

  std::string listen_ = free_address();
  pid_t host_ = 0;
  Clock::time_point killed_;
};

TEST_F(Restart, UnlinkedWorkOfAKilledHostGoesOnBesideTheNextHostAtItsAddress) {
  start_host({"unlinked"}, "shutdown_timeout = \"60s\"\n");
  const auto old = runner();
  kill_host();
  Host next = next_host();
  const Pool pool = next.pool("work");
  const auto slot = pool.call<pool_tasks::process>();
  EXPECT_THAT(old, Not(Contains(slot))) << "the old runner serves nobody any more";
  EXPECT_EQ(pool.call<pool_tasks::echo>(Bytes(std::string(1 << 20, 'x'))).size(), std::size_t{1} << 20);
  EXPECT_EQ(pool.stats().runners, 1U);
  for (const char* name : {"hold", "wait", "deaf"}) {
    EXPECT_FALSE(exists(std::string(name) + ".stopped"));
    go(name);
    EXPECT_TRUE(appears(std::string(name) + ".done")) << "nobody has ended it";
  }
  EXPECT_TRUE(all_gone(old, 5s)) << "nothing is left to do there";
  EXPECT_EQ(pool.call<pool_tasks::process>(), slot);
  const PoolStats stats = pool.stats();
  EXPECT_EQ(stats.boots, 1U);
  EXPECT_EQ(stats.runners_lost, 0U);
  EXPECT_EQ(stats.failed, 0U);
}

TEST_F(Restart, TheGraceOfAKilledHostsWorkEndsWhateverTheNextHostDoes) {
  start_host({"unlinked"}, "shutdown_timeout = \"2s\"\n");
  const auto old = runner();
  kill_host();
  Host next = next_host();
  const Pool pool = next.pool("work");
  auto call = begin(pool, "new");
  EXPECT_TRUE(appears("wait.stopped"));
  EXPECT_GE(Clock::now() - killed_, 1900ms);
  EXPECT_TRUE(all_gone(old, 3s));
  EXPECT_FALSE(exists("deaf.done"));
  EXPECT_FALSE(call.ready());
  go("new");
  EXPECT_EQ(call.get(), "work-1") << "the next host's runner has the same name, and only that";
  EXPECT_EQ(pool.stats().runners_lost, 0U);
}

struct Deaths {
  const char* name;
  std::vector<std::string> order;  // of "host", "supervisor", "guardian", "zygote"
  bool tcp;
};

void PrintTo(const Deaths& deaths, std::ostream* out) {
  *out << deaths.name;
}

class RestartAfterBothDied : public Restart, public testing::WithParamInterface<Deaths> {};

TEST_P(RestartAfterBothDied, TheNextHostIsServedAndNothingOfThemIsLeft) {
  if (!GetParam().tcp) listen_ = "ipc://auto";
  start_host({"unlinked"}, "shutdown_timeout = \"60s\"\n");
  const RunnerProcesses parts = runner_processes(host_);
  const auto old = runner();
  for (const std::string& victim : GetParam().order) {
    if (victim == "host") kill_host();
    if (victim == "zygote") ::kill(parts.zygote, SIGKILL);
    if (victim == "supervisor") ::kill(parts.supervisor, SIGKILL);
    if (victim == "guardian") ::kill(parts.guardian, SIGKILL);
  }
  {
    Host next = next_host();
    const Pool pool = next.pool("work");
    EXPECT_THAT(old, Not(Contains(pool.call<pool_tasks::process>())));
    EXPECT_EQ(pool.call<pool_tasks::add>(1, 2), 3);
    EXPECT_EQ(host_directories(), 1) << "its own only";
    EXPECT_TRUE(all_gone(old, 5s)) << "no grace: there is nobody to give it";
    EXPECT_EQ(pool.stats().boots, 1U);
  }
  for (const char* name : {"hold", "wait", "deaf"}) EXPECT_FALSE(exists(std::string(name) + ".done"));
}

INSTANTIATE_TEST_SUITE_P(InOrder, RestartAfterBothDied,
                         testing::Values(Deaths{"HostThenSupervisorOverTcp", {"host", "supervisor"}, true},
                                         Deaths{"HostThenSupervisorOverIpc", {"host", "supervisor"}, false},
                                         Deaths{"HostThenGuardian", {"host", "guardian"}, true},
                                         Deaths{"SupervisorThenHost", {"supervisor", "host"}, true},
                                         Deaths{"GuardianThenHostOverTcp", {"guardian", "host"}, true},
                                         Deaths{"GuardianThenHostOverIpc", {"guardian", "host"}, false},
                                         Deaths{"AllOfThem", {"zygote", "guardian", "host", "supervisor"}, true}),
                         [](const testing::TestParamInfo<Deaths>& tested) { return tested.param.name; });

class RunnerReplaced : public Restart {
 protected:
  /// A host whose first runner has been killed, and whose call runs on the second.
  void start_and_replace(const std::string& link, const std::string& pool) {
    start_host({link, "alone"}, pool);
    const auto first = runner();
    ASSERT_EQ(::kill(runner_processes(host_).supervisor, SIGKILL), 0);
    ASSERT_TRUE(appears("alone.2.begun"));
    ASSERT_TRUE(all_gone(first, 5s));
    ASSERT_GE(runner().size(), 3U);
  }
};

TEST_F(RunnerReplaced, TheSecondEndsLinkedWorkAtOnceWhenItsHostIsKilled) {
  start_and_replace("linked", "shutdown_timeout = \"60s\"\n");
  const auto second = runner();
  kill_host();
  EXPECT_TRUE(all_gone(second, 5s));
  EXPECT_EQ(next_host().pool("work").call<pool_tasks::add>(1, 2), 3);
}

TEST_F(RunnerReplaced, TheSecondGivesUnlinkedWorkTheShutdownTimeoutWhenItsHostIsKilled) {
  start_and_replace("unlinked", "shutdown_timeout = \"2s\"\n");
  const auto second = runner();
  kill_host();
  EXPECT_FALSE(all_gone(second, 500ms));
  EXPECT_TRUE(all_gone(second, 4s));
  EXPECT_GE(Clock::now() - killed_, 1900ms);
  EXPECT_EQ(next_host().pool("work").call<pool_tasks::add>(1, 2), 3);
}

TEST_F(RunnerReplaced, TheSecondGivesUpAHostThatStandsStillWhichThenGetsAThird) {
  start_and_replace("linked", "shutdown_timeout = \"60s\"\n");
  const auto second = runner();
  const auto stopped = Clock::now();
  ASSERT_EQ(::kill(host_, SIGSTOP), 0);
  EXPECT_TRUE(all_gone(second, 6s));
  EXPECT_GE(Clock::now() - stopped, 1700ms) << "host_silence, counted from the last word";
  ASSERT_EQ(::kill(host_, SIGCONT), 0);
  EXPECT_TRUE(appears("alone.3.begun"));
  EXPECT_FALSE(exists("alone.overlap"));
  const auto third = runner();
  kill_host();
  EXPECT_TRUE(all_gone(third, 5s));
  EXPECT_EQ(next_host().pool("work").call<pool_tasks::add>(1, 2), 3);
}

TEST_F(RunnerReplaced, OneThatFindsItsHostStandingStillBeforeTheHelloEndsAtTheFailsafe) {
  const std::string stop = files_ / "stop";
  // $PPID is the host. What it would answer is never said, although its kernel accepts connections.
  const std::string script =
      files_.write("runner", "#!/bin/sh\nif rm " + stop + " 2> /dev/null; then echo $$ > " + stop +
                                 "ped; kill -STOP $PPID; fi\nexec " FLAME_TEST_RUNNER "\n");
  ASSERT_EQ(::chmod(script.c_str(), 0700), 0);
  start_host({"linked", "alone"}, "", script);
  static_cast<void>(files_.write("stop", ""));
  ASSERT_EQ(::kill(runner_processes(host_).supervisor, SIGKILL), 0);
  ASSERT_TRUE(eventually([&] { return !lines_of("stopped").empty(); }));
  const auto second = static_cast<pid_t>(std::stoi(lines_of("stopped").front()));
  const auto booted = Clock::now();
  ASSERT_TRUE(eventually([&] { return is_gone(second); }, 8s));
  EXPECT_GE(Clock::now() - booted, 1900ms) << "it has tried for as long as it may";
  EXPECT_TRUE(std::ranges::all_of(runner(), is_gone));
  EXPECT_FALSE(exists("alone.2.begun"));
  ASSERT_EQ(::kill(host_, SIGCONT), 0);
  EXPECT_TRUE(appears("alone.2.begun")) << "on a third";
  const auto third = runner();
  kill_host();
  EXPECT_TRUE(all_gone(third, 5s));
  EXPECT_EQ(next_host().pool("work").call<pool_tasks::add>(1, 2), 3);
}

}  // namespace
}  // namespace flame::test
