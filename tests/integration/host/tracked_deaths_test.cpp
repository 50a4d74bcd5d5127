// Tracked resources when things end badly: methods that hang, slots, runners and hosts that are killed.
#include <sys/wait.h>

#include <algorithm>
#include <thread>

#include "plugin_sdk/base/limits.hpp"
#include "tests/integration/host/doomed.hpp"
#include "tests/integration/host/objects_support.hpp"

namespace flame::test {
namespace {

using namespace std::chrono_literals;
using objects::Counter;

class TrackedDeaths : public ObjectsTest {
 protected:
  static void expect_lost(const Tracked<Counter>& counter, const std::string& why) {
    const Error error = error_of([&] { counter.call<&Counter::value>(); });
    EXPECT_EQ(error.code, ErrorCode::runner_lost) << error.to_string();
    EXPECT_NE(error.message.find(why), std::string::npos) << error.message;
  }
};

TEST_F(TrackedDeaths, AMethodThatTimesOutEndsTheSlotAndAllItsHandles) {
  const Host host(config());
  const Pool pool = host.pool("work");
  const auto counters = pool.call<objects::counters>(2, "");
  const pid_t slot = counters[0].call<&Counter::pid>();
  const auto begin = std::chrono::steady_clock::now();
  const Error error = error_of([&] { counters[0].with({.timeout = 100ms}).call<&Counter::deaf>(); });
  EXPECT_EQ(error.code, ErrorCode::timed_out) << error.to_string();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 1s);
  expect_lost(counters[0], "past its deadline");
  expect_lost(counters[1], "past its deadline");
  EXPECT_EQ(code_of([&] { pool.call<objects::where>(counters[1]); }), ErrorCode::runner_lost);
  EXPECT_TRUE(gone(slot));
  EXPECT_TRUE(held(pool, 0));
  EXPECT_EQ(pool.call<objects::add>(1, 2), 3);
  EXPECT_EQ(pool.stats().boots, 1U);
  EXPECT_EQ(pool.stats().runners_lost, 0U);
}

TEST_F(TrackedDeaths, AMethodThatTimesOutIsAskedToStopFirstSoThatDestructorsRun) {
  const Host host(config());
  const auto counter = host.pool("work").call<objects::counter>(1, file());
  EXPECT_EQ(code_of([&] { counter.with({.timeout = 50ms}).call<&Counter::linger>(60'000); }), ErrorCode::timed_out);
  EXPECT_TRUE(wrote({"lingers", "gone"}));
  expect_lost(counter, "past its deadline");
}

TEST_F(TrackedDeaths, ATaskWithATrackedArgumentThatTimesOutEndsItsSlot) {
  const Host host(config());
  const Pool pool = host.pool("work");
  const auto counter = pool.call<objects::counter>(1, "");
  EXPECT_EQ(code_of([&] { pool.with({.timeout = 50ms}).call<objects::linger_with>(counter, 60'000); }),
            ErrorCode::timed_out);
  expect_lost(counter, "past its deadline");
}

TEST_F(TrackedDeaths, ACancelledMethodThatStopsLeavesTheObjectAlive) {
  const Host host(config());
  const auto counter = host.pool("work").call<objects::counter>(1, file());
  std::stop_source stop;
  std::thread caller([&] {
    const auto bound = counter.with({.stop = stop.get_token()});
    EXPECT_EQ(code_of([&] { bound.call<&Counter::linger>(60'000); }), ErrorCode::cancelled);
  });
  EXPECT_TRUE(wrote({"lingers"}));
  stop.request_stop();
  caller.join();
  EXPECT_EQ(counter.call<&Counter::value>(), 1);
}

TEST_F(TrackedDeaths, ACallThatWaitsForItsTurnTooLongHarmsNothing) {
  const Host host(config());
  const auto counter = host.pool("work").call<objects::counter>(1, file());
  std::thread busy([&] { EXPECT_FALSE(counter.call<&Counter::linger>(400)); });
  EXPECT_TRUE(wrote({"lingers"}));
  const Error error = error_of([&] { counter.with({.timeout = 50ms}).call<&Counter::add>(1); });
  EXPECT_EQ(error.code, ErrorCode::queue_timed_out) << error.to_string();
  EXPECT_EQ(error.started, Started::no);
  busy.join();
  EXPECT_EQ(counter.call<&Counter::value>(), 1);
}

TEST_F(TrackedDeaths, AsManyCallsWaitForOneObjectAsMaxQueueAllows) {
  const Host host(config([](PoolConfig& pool) { pool.max_queue = 2; }));
  const Pool pool = host.pool("work");
  const auto counter = pool.call<objects::counter>(1, file());
  std::vector<std::thread> threads;
  threads.emplace_back([&] { EXPECT_FALSE(counter.call<&Counter::linger>(500)); });
  EXPECT_TRUE(wrote({"lingers"}));
  for (int i = 0; i < 2; ++i) threads.emplace_back([&] { counter.call<&Counter::add>(1); });
  EXPECT_TRUE(eventually([&] { return pool.stats().waiting == 2; }));
  EXPECT_EQ(code_of([&] { counter.call<&Counter::add>(1); }), ErrorCode::queue_full);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(counter.call<&Counter::value>(), 3);
}

TEST_F(TrackedDeaths, ADestructorThatHangsIsKilledAndTheSlotIsFree) {
  const Host host(config());
  const Pool pool = host.pool("work");
  auto sticky = pool.call<objects::sticky>();
  const pid_t slot = sticky.call<&objects::Sticky::pid>();
  sticky = {};
  EXPECT_TRUE(gone(slot));
  EXPECT_TRUE(held(pool, 0));
  EXPECT_EQ(pool.call<objects::add>(1, 2), 3);
}

// While it was stopped the destructor's time passed; that it had returned stands in the channel.
TEST_F(TrackedDeaths, ARunnerThatWasStoppedKillsNoSlotForWhatItHasNotRead) {
  const Host host(config([](PoolConfig& pool) { pool.max_concurrency = 1; }));
  const Pool pool = host.pool("work");
  auto leisurely = pool.call<objects::leisurely>(file());
  const pid_t slot = leisurely.call<&objects::Leisurely::pid>();
  const pid_t supervisor = runner_processes(::getpid()).supervisor;
  leisurely = {};
  ASSERT_TRUE(eventually([this] { return !lines().empty(); }));
  ASSERT_EQ(::kill(supervisor, SIGSTOP), 0);
  const auto until = std::chrono::steady_clock::now() + 2 * limits::kKillGrace;
  EXPECT_TRUE(wrote({"going", "gone"}));
  EXPECT_TRUE(eventually([until] { return std::chrono::steady_clock::now() > until; }));
  ASSERT_EQ(::kill(supervisor, SIGCONT), 0);
  EXPECT_EQ(pool.call<objects::where>(std::nullopt), slot);
}

TEST_F(TrackedDeaths, AKilledSlotLosesItsObjectsAndNothingElse) {
  const Host host(config());
  const Pool pool = host.pool("work");
  const auto lost = pool.call<objects::counters>(2, "");
  const auto kept = pool.call<objects::counter>(5, "");
  ASSERT_EQ(::kill(lost[0].call<&Counter::pid>(), SIGKILL), 0);
  EXPECT_TRUE(held(pool, 1));
  expect_lost(lost[0], "killed (signal 9)");
  expect_lost(lost[1], "killed (signal 9)");
  EXPECT_EQ(kept.call<&Counter::value>(), 5);
}

TEST_F(TrackedDeaths, AMethodThatCrashesIsCrashedAndTheHandlesAreLost) {
  const Host host(config());
  const Pool pool = host.pool("work");
  const auto counter = pool.call<objects::counter>(1, "");
  const Error error = error_of([&] { counter.call<&Counter::die>(SIGSEGV); });
  EXPECT_EQ(error.code, ErrorCode::crashed) << error.to_string();
  EXPECT_EQ(error.signal, SIGSEGV);
  EXPECT_TRUE(held(pool, 0));
  expect_lost(counter, "segmentation fault");
}

TEST_F(TrackedDeaths, AKilledRunnerLosesItsObjects) {
  const Host host(config());
  const Pool pool = host.pool("work");
  const auto counter = pool.call<objects::counter>(1, file());
  std::thread caller([&] {
    const Error error = error_of([&] { counter.call<&Counter::linger>(60'000); });
    EXPECT_EQ(error.code, ErrorCode::runner_lost) << error.to_string();
  });
  EXPECT_TRUE(wrote({"lingers"}));
  const RunnerProcesses old = runner_processes(::getpid());
  ASSERT_GT(old.supervisor, 0);
  ASSERT_EQ(::kill(old.supervisor, SIGKILL), 0);
  caller.join();
  EXPECT_TRUE(held(pool, 0));
  expect_lost(counter, "runner was lost");
  EXPECT_EQ(pool.call<objects::add>(1, 2), 3);
  for (const pid_t pid : old.all()) EXPECT_TRUE(gone(pid)) << command_of(pid);
}

TEST_F(TrackedDeaths, ARunnerThatIsTerminatedLetsItsObjectsGoInOrder) {
  const Host host(config());
  const Pool pool = host.pool("work");
  const auto counter = pool.call<objects::counter>(1, file());
  ASSERT_EQ(::kill(runner_processes(::getpid()).supervisor, SIGTERM), 0);
  EXPECT_TRUE(wrote({"gone"}));
  EXPECT_TRUE(eventually([&] { return pool.stats().runners == 0; }));
  EXPECT_EQ(code_of([&] { counter.call<&Counter::value>(); }), ErrorCode::runner_lost);
  EXPECT_EQ(pool.call<objects::add>(1, 2), 3);
}

TEST_F(TrackedDeaths, AKilledHostStopsTheirMethodsSoThatDestructorsRun) {
  for (const std::string link : {"linked", "unlinked"}) {
    DoomedHost host(config_text(), "tracked", link, file(link), true);
    EXPECT_TRUE(wrote({"lingers"}, link)) << link;
    const auto begin = std::chrono::steady_clock::now();
    host.kill();
    EXPECT_TRUE(eventually(nothing_left, 5s)) << link;
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 1900ms) << "nobody can use it any more";
    EXPECT_EQ(lines(link), (std::vector<std::string>{"lingers", "gone"}));
  }
}

TEST_F(TrackedDeaths, AKilledHostReleasesThem) {
  for (const std::string link : {"linked", "unlinked"}) {
    DoomedHost host(config_text(), "tracked", link, file(link));
    host.kill();
    EXPECT_TRUE(wrote({"gone"}, link)) << link;
    EXPECT_TRUE(eventually(nothing_left, 5s)) << link;
  }
}

}  // namespace
}  // namespace flame::test
