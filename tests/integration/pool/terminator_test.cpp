// When a runner ends itself: failsafe, a host that is killed, SIGTERM, idle checks. Each time the real thing dies.
#include <sys/wait.h>

#include <set>

#include <gmock/gmock.h>

#include "tests/support/doomed_process.hpp"
#include "tests/support/parents.hpp"
#include "tests/support/pool_test.hpp"

namespace flame::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

class RunnerEnds : public PoolTest {
 protected:
  static bool all_gone(const std::vector<pid_t>& pids, std::chrono::nanoseconds patience) {
    return eventually([&] { return std::ranges::all_of(pids, is_gone); }, patience);
  }
};

TEST_F(RunnerEnds, WithoutAHostAtTheFailsafe) {
  auto backend =
      std::make_shared<MeddledBackend>(MeddledBackend::Hooks{.refuse = {},
                                                             .change =
                                                                 [](BootRequest& request) {
                                                                   wire::Parent parent = parent_of(request);
                                                                   parent.control = {"ipc:///nonexistent/control.ipc"};
                                                                   parent.bulk = {"ipc:///nonexistent/bulk.ipc"};
                                                                   set_parent(request, parent);
                                                                 },
                                                             .holds_boots = false,
                                                             .destroys = false});
  HostConfig settings = config();
  settings.liveness.failsafe = 1s;
  settings.pools["work"].backend = {"meddled"};
  Host host(std::move(settings), {backend});
  const auto begin = Clock::now();
  auto call = host.pool("work").with({.timeout = 3s}).async<pool_tasks::add>(1, 2);
  EXPECT_TRUE(eventually([&] { return host.pool("work").stats().boots_failed == 1; }));
  EXPECT_GE(Clock::now() - begin, 1s);
  EXPECT_LT(Clock::now() - begin, 3s);
  const Error error = error_of([&] { return call.get(); });
  EXPECT_EQ(error.code, ErrorCode::boot_failed);
  EXPECT_THAT(error.message, HasSubstr("exit code 1"));
}

class KilledHost : public RunnerEnds {
 protected:
  /// Starts victim_host; its calls run when this returns.
  void start(const std::string& link, const std::string& shutdown_timeout) {
    const std::string toml = "[plugins]\npath = [\"" FLAME_FIXTURE_PLUGINS "\"]\n[backends.local]\nrunner = \"" +
                             std::string(FLAME_TEST_RUNNER) +
                             "\"\n[pools.work]\nplugins = [\"pool_tasks@1\"]\nmax_concurrency = 3\n"
                             "shutdown_timeout = \"" +
                             shutdown_timeout + "\"\n";
    const pid_t host =
        start_until_ready(FLAME_TEST_VICTIM_HOST, {files_.write("flame.toml", toml), files_.path(), link}, files_);
    for (const pid_t pid : descendants(host)) runner_.push_back(pid);
    ASSERT_EQ(::kill(host, SIGKILL), 0);
    killed_ = Clock::now();
    int status = 0;
    ASSERT_EQ(::waitpid(host, &status, 0), host);
  }

  std::vector<pid_t> runner_;
  Clock::time_point killed_;
};

TEST_F(KilledHost, EndsItsLinkedWorkAtOnce) {
  start("linked", "30s");
  EXPECT_TRUE(all_gone(runner_, 5s));
  EXPECT_FALSE(exists("wait.stopped")) << "nobody waits for it, so it is not asked";
}

TEST_F(KilledHost, GivesItsUnlinkedWorkTheShutdownTimeout) {
  start("unlinked", "2s");
  EXPECT_FALSE(all_gone(runner_, 500ms));
  EXPECT_FALSE(exists("wait.stopped"));
  go("hold");
  EXPECT_TRUE(appears("hold.done")) << "what ends in its grace ends well";
  EXPECT_TRUE(appears("wait.stopped"));
  EXPECT_GE(Clock::now() - killed_, 1900ms) << "at the end of the grace the rest is asked to stop";
  EXPECT_TRUE(all_gone(runner_, 3s)) << "and then killed";
  EXPECT_FALSE(exists("deaf.done"));
}

TEST_F(KilledHost, ItsRunnerIsGoneAsSoonAsTheUnlinkedWorkIs) {
  start("unlinked", "30s");
  for (const char* name : {"hold", "wait", "deaf"}) go(name);
  EXPECT_TRUE(all_gone(runner_, 5s));
  for (const char* name : {"hold", "wait", "deaf"}) EXPECT_TRUE(exists(std::string(name) + ".done"));
}

class Sigterm : public RunnerEnds {};

TEST_F(Sigterm, LetsTheRunnersWorkEndAndSendsTheRestElsewhere) {
  Host host = make_host([](PoolConfig& pool) {
    pool.max = 2;
    pool.max_concurrency = 2;
    pool.shutdown_timeout = 20s;
  });
  const Pool pool = host.pool("work");
  const auto slot = pool.call<pool_tasks::process>();
  auto call = begin(pool, "call");
  const pid_t guardian = parent_of(supervisor_of(slot));
  ASSERT_EQ(::kill(guardian, SIGTERM), 0);
  EXPECT_TRUE(eventually([&] { return pool.stats().draining == 1; }));
  EXPECT_EQ(pool.call<pool_tasks::runner>(), "work-2") << "though a slot is free on the first";
  EXPECT_FALSE(call.ready());
  go("call");
  EXPECT_EQ(call.get(), "work-1");
  EXPECT_TRUE(eventually([&] { return is_gone(guardian); }));
  EXPECT_EQ(pool.stats().runners_lost, 0U);
  EXPECT_EQ(pool.stats().failed, 0U);
}

TEST_F(Sigterm, EndsWorkThatDoesNotEndInTime) {
  Host host = make_host([](PoolConfig& pool) { pool.shutdown_timeout = 300ms; });
  const Pool pool = host.pool("work");
  const auto slot = pool.call<pool_tasks::process>();
  auto call = begin(pool, "call");
  const pid_t guardian = parent_of(supervisor_of(slot));
  const auto begin = Clock::now();
  ASSERT_EQ(::kill(guardian, SIGTERM), 0);
  const Error error = error_of([&] { return call.get(); });
  EXPECT_EQ(error.code, ErrorCode::shutting_down) << error.to_string();
  EXPECT_GE(Clock::now() - begin, 300ms);
  EXPECT_LT(Clock::now() - begin, 3s);
  EXPECT_TRUE(eventually([&] { return is_gone(guardian); }));
}

class IdleCheck : public RunnerEnds {
 protected:
  Host checked_host(const std::string& check, const ChangePool& change = {}) {
    return make_host([&](PoolConfig& pool) {
      pool.idle_shutdown_after = 50ms;
      pool.env["IDLE_CHECK"] = check;
      pool.env["IDLE_CHECK_LOG"] = file("checks");
      if (change) change(pool);
    });
  }
};

TEST_F(IdleCheck, RunsInASlotAndNotInTheSupervisor) {
  Host host = checked_host("until " + file("may_go"));
  const Pool pool = host.pool("work");
  const auto slot = pool.call<pool_tasks::process>();
  ASSERT_TRUE(eventually([&] { return lines_of("checks").size() >= 3; }));
  for (const std::string& line : lines_of("checks")) {
    EXPECT_EQ(line, std::to_string(slot)) << "the idle slot of the last call";
  }
  pool.call<pool_tasks::process>();  // by another slot if a check holds this one at that moment
  EXPECT_FALSE(is_gone(static_cast<pid_t>(slot))) << "a check costs no slot";
  static_cast<void>(files_.write("may_go", ""));
  EXPECT_TRUE(has_runners(pool, 0));
  EXPECT_EQ(pool.stats().boots, 1U);
}

TEST_F(IdleCheck, IsAskedInThreadIsolationToo) {
  Host host = checked_host("until " + file("may_go"), [](PoolConfig& pool) {
    pool.isolation = SlotIsolation::thread;
    pool.max_concurrency = 3;
  });
  const Pool pool = host.pool("work");
  const auto process = pool.call<pool_tasks::process>();
  ASSERT_TRUE(eventually([&] { return lines_of("checks").size() >= 3; }));
  EXPECT_EQ(lines_of("checks").front(), std::to_string(process));
  static_cast<void>(files_.write("may_go", ""));
  EXPECT_TRUE(has_runners(pool, 0));
}

TEST_F(IdleCheck, OneThatThrowsCountsAsIdle) {
  Host host = checked_host("throw");
  const Pool pool = host.pool("work");
  EXPECT_EQ(pool.call<pool_tasks::add>(1, 2), 3);
  EXPECT_TRUE(has_runners(pool, 0));
  EXPECT_EQ(lines_of("checks").size(), 1U);
}

TEST_F(IdleCheck, OneThatCrashesCountsAsIdle) {
  Host host = checked_host("crash");
  const Pool pool = host.pool("work");
  EXPECT_EQ(pool.call<pool_tasks::add>(1, 2), 3);
  EXPECT_TRUE(has_runners(pool, 0));
  EXPECT_EQ(pool.stats().runners_lost, 0U);
}

TEST_F(IdleCheck, OneThatHangsCountsAsIdleAfterFiveSeconds) {
  Host host = checked_host("hang");
  const Pool pool = host.pool("work");
  EXPECT_EQ(pool.call<pool_tasks::add>(1, 2), 3);
  ASSERT_TRUE(appears("checks"));
  const auto begin = Clock::now();
  EXPECT_TRUE(has_runners(pool, 0));
  EXPECT_GE(Clock::now() - begin, 4500ms);
}

TEST_F(IdleCheck, OneThatHangsDelaysNoCall) {
  Host host = checked_host("hang");
  const Pool pool = host.pool("work");
  for (std::size_t round = 1; round <= 3; ++round) {
    const auto begin = Clock::now();
    EXPECT_EQ(pool.call<pool_tasks::runner>(), "work-1");
    EXPECT_LT(Clock::now() - begin, 2s);
    ASSERT_TRUE(eventually([&] { return lines_of("checks").size() == round; })) << "it hangs in the only slot";
  }
}

TEST_F(IdleCheck, ADrainDoesNotWaitForIt) {
  Host host = checked_host("hang");
  Pool pool = host.pool("work");
  EXPECT_EQ(pool.call<pool_tasks::add>(1, 2), 3);
  ASSERT_TRUE(appears("checks"));
  const auto begin = Clock::now();
  EXPECT_TRUE(pool.drain(10s));
  EXPECT_LT(Clock::now() - begin, 3s);
}

}  // namespace
}  // namespace flame::test
