// Children when things end badly: methods that hang, crashes, and kill -9 of slot, runner and host.
#include <thread>

#include "tests/integration/host/doomed.hpp"
#include "tests/integration/host/objects_support.hpp"

namespace flame::test {
namespace {

using namespace std::chrono_literals;
using objects::Journal;
using objects::Worker;

class ChildDeaths : public ObjectsTest {
 protected:
  // config_text()'s shutdown_timeout, after which a child that listens ends at once.
  static void expect_two_seconds(std::chrono::steady_clock::duration took) {
    EXPECT_GE(took, 1900ms);
    EXPECT_LT(took, 4s);
  }
};

TEST_F(ChildDeaths, AMethodThatTimesOutEndsItsChild) {
  const Host host(config());
  const Pool pool = host.pool("work");
  const auto worker = pool.place_child<objects::worker>("");
  const pid_t pid = worker.call<&Worker::pid>();
  EXPECT_EQ(code_of([&] { worker.with({.timeout = 100ms}).call<&Worker::deaf>(); }), ErrorCode::timed_out);
  const ChildExit exit = worker.wait();
  EXPECT_EQ(exit.reason, ChildExit::Reason::stopped) << exit.error.to_string();
  EXPECT_EQ(exit.error.code, ErrorCode::timed_out);
  EXPECT_TRUE(gone(pid));
  EXPECT_TRUE(held(pool, 0));
  EXPECT_EQ(code_of([&] { worker.call<&Worker::rounds>(); }), ErrorCode::runner_lost);
  EXPECT_EQ(pool.stats().runners_lost, 0U);
}

TEST_F(ChildDeaths, AMethodThatTimesOutIsAskedToStopFirst) {
  const Host host(config());
  const auto worker = host.pool("work").place_child<objects::worker>(file());
  EXPECT_EQ(code_of([&] { worker.with({.timeout = 50ms}).call<&Worker::linger>(60'000); }), ErrorCode::timed_out);
  EXPECT_EQ(worker.wait().error.code, ErrorCode::timed_out);
  const auto written = lines();
  ASSERT_EQ(written.size(), 3U);
  EXPECT_EQ(written.front(), "lingers");
  EXPECT_EQ(written.back(), "gone");
}

TEST_F(ChildDeaths, CallsThatWaitBehindOneThatTimesOutAreLost) {
  const Host host(config());
  const Pool pool = host.pool("work");
  const auto journal = pool.place_child<objects::journal>(file());
  std::thread deaf([&] {
    EXPECT_EQ(code_of([&] { journal.with({.timeout = 500ms}).call<&Journal::deaf>(); }), ErrorCode::timed_out);
  });
  EXPECT_TRUE(wrote({"deaf"}));
  const Error error = error_of([&] { journal.call<&Journal::append>(1); });
  EXPECT_EQ(error.code, ErrorCode::runner_lost) << error.to_string();
  EXPECT_EQ(error.started, Started::no);
  deaf.join();
}

TEST_F(ChildDeaths, AChildThatIgnoresItsTokenIsKilled) {
  const Host host(config());
  const Pool pool = host.pool("work");
  const auto child = pool.place_child<objects::deaf_child>();
  const pid_t pid = child.call<&objects::Deaf::pid>();
  const auto begin = std::chrono::steady_clock::now();
  child.stop();
  const ChildExit exit = child.wait();
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 200ms) << "it had its grace";
  EXPECT_EQ(exit.reason, ChildExit::Reason::stopped) << exit.error.to_string();
  EXPECT_EQ(exit.error.code, ErrorCode::cancelled);
  EXPECT_NE(exit.error.message.find("killed"), std::string::npos) << exit.error.message;
  EXPECT_TRUE(gone(pid));
}

TEST_F(ChildDeaths, ACrashOfRunTellsTheSignal) {
  const Host host(config());
  const auto worker = host.pool("work").place_child<objects::worker>("");
  worker.call<&Worker::order>(Worker::Order::crash);
  const ChildExit exit = worker.wait();
  EXPECT_EQ(exit.reason, ChildExit::Reason::crashed) << exit.error.to_string();
  EXPECT_EQ(exit.error.code, ErrorCode::crashed);
  EXPECT_EQ(exit.error.signal, SIGSEGV);
  EXPECT_EQ(exit.error.plugin, "host_objects@1.0.0");
  EXPECT_EQ(exit.error.runner, "work-1");
}

TEST_F(ChildDeaths, ACrashOfAMethodFailsTheCallAndEndsTheChild) {
  const Host host(config());
  const auto journal = host.pool("work").place_child<objects::journal>("");
  const Error error = error_of([&] { journal.call<&Journal::die>(SIGABRT); });
  EXPECT_EQ(error.code, ErrorCode::crashed) << error.to_string();
  EXPECT_EQ(journal.wait().error.signal, SIGABRT);
}

TEST_F(ChildDeaths, AKilledSlotEndsItsChildOnly) {
  const Host host(config());
  const Pool pool = host.pool("work");
  const auto killed = pool.place_child<objects::worker>("");
  const auto other = pool.place_child<objects::journal>("");
  ASSERT_EQ(::kill(killed.call<&Worker::pid>(), SIGKILL), 0);
  const ChildExit exit = killed.wait();
  EXPECT_EQ(exit.reason, ChildExit::Reason::crashed) << exit.error.to_string();
  EXPECT_EQ(exit.error.signal, SIGKILL);
  other.call<&Journal::append>(1);
  EXPECT_TRUE(held(pool, 1)) << "nothing restarts a child";
}

TEST_F(ChildDeaths, AKilledRunnerEndsItsChildren) {
  const Host host(config());
  const Pool pool = host.pool("work");
  const auto worker = pool.place_child<objects::worker>("");
  const RunnerProcesses old = runner_processes(::getpid());
  ASSERT_EQ(::kill(old.supervisor, SIGKILL), 0);
  const ChildExit exit = worker.wait();
  EXPECT_EQ(exit.reason, ChildExit::Reason::runner_lost) << exit.error.to_string();
  EXPECT_EQ(exit.error.runner, "work-1");
  EXPECT_EQ(code_of([&] { worker.call<&Worker::rounds>(); }), ErrorCode::runner_lost);
  EXPECT_EQ(pool.call<objects::add>(1, 2), 3);
  for (const pid_t pid : old.all()) EXPECT_TRUE(gone(pid)) << command_of(pid);
}

TEST_F(ChildDeaths, AKilledZygoteCostsNoChild) {
  const Host host(config());
  const auto journal = host.pool("work").place_child<objects::journal>("");
  const pid_t zygote = runner_processes(::getpid()).zygote;
  ASSERT_GT(zygote, 0);
  ASSERT_EQ(::kill(zygote, SIGKILL), 0);
  EXPECT_TRUE(gone(zygote));
  journal.call<&Journal::append>(1);
}

TEST_F(ChildDeaths, ARunnerThatIsTerminatedStopsLinkedChildrenAtOnceAndOthersAfterTheGrace) {
  const Host host(config());
  const Pool pool = host.pool("work");
  const auto linked = pool.place_child<objects::worker>(file());
  const auto unlinked = pool.with({.link = false}).place_child<objects::worker>(file("unlinked"));
  const auto begin = std::chrono::steady_clock::now();
  ASSERT_EQ(::kill(runner_processes(::getpid()).supervisor, SIGTERM), 0);
  EXPECT_EQ(linked.wait().error.code, ErrorCode::shutting_down) << linked.wait().error.to_string();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 1s);
  EXPECT_FALSE(unlinked.wait_for(0ms));
  EXPECT_EQ(unlinked.wait().error.code, ErrorCode::shutting_down) << unlinked.wait().error.to_string();
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 1s);
  EXPECT_TRUE(wrote({"stopped", "gone"}));
  EXPECT_TRUE(wrote({"stopped", "gone"}, "unlinked"));
}

TEST_F(ChildDeaths, AKilledHostEndsLinkedChildrenAtOnce) {
  for (const std::string what : {"worker", "journal"}) {
    DoomedHost host(config_text(), what, "linked", file(what));
    const auto begin = std::chrono::steady_clock::now();
    host.kill();
    EXPECT_TRUE(eventually(nothing_left, 5s)) << what;
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 1900ms) << what;
    ASSERT_FALSE(lines(what).empty()) << what;
    EXPECT_EQ(lines(what).back(), "gone") << "it was asked to stop before it was killed";
  }
}

TEST_F(ChildDeaths, AKilledHostLeavesUnlinkedChildrenTheShutdownTimeout) {
  for (const std::string what : {"worker", "journal"}) {
    DoomedHost host(config_text(), what, "unlinked", file(what));
    const auto begin = std::chrono::steady_clock::now();
    host.kill();
    EXPECT_TRUE(eventually([&] { return !lines(what).empty(); })) << what;
    expect_two_seconds(std::chrono::steady_clock::now() - begin);
    EXPECT_TRUE(eventually(nothing_left, 5s)) << what;
    EXPECT_EQ(lines(what).back(), "gone") << "it was asked to stop before it was killed";
  }
}

TEST_F(ChildDeaths, AKilledHostLeavesAnUnlinkedChildThatRunsAMethodTheShutdownTimeoutToo) {
  for (const std::string what : {"worker", "journal"}) {
    DoomedHost host(config_text(), what, "unlinked", file(what), true);
    EXPECT_TRUE(wrote({"lingers"}, what));
    const auto begin = std::chrono::steady_clock::now();
    host.kill();
    EXPECT_TRUE(eventually([&] { return lines(what).size() > 1; })) << what;
    expect_two_seconds(std::chrono::steady_clock::now() - begin);
    EXPECT_TRUE(eventually(nothing_left, 5s)) << what;
    EXPECT_EQ(lines(what).back(), "gone") << "the method stopped, so the destructor could run";
  }
}

TEST_F(ChildDeaths, AKilledHostStopsTheMethodsOfLinkedChildrenSoThatDestructorsRun) {
  for (const std::string what : {"worker", "journal"}) {
    DoomedHost host(config_text(), what, "linked", file(what), true);
    EXPECT_TRUE(wrote({"lingers"}, what));
    const auto begin = std::chrono::steady_clock::now();
    host.kill();
    EXPECT_TRUE(eventually(nothing_left, 5s)) << what;
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 1900ms) << what;
    EXPECT_EQ(lines(what).back(), "gone") << what;
  }
}

TEST_F(ChildDeaths, InThreadIsolationADeafChildEndsItsProcess) {
  const Host host(config([](PoolConfig& pool) { pool.isolation = SlotIsolation::thread; }));
  const Pool pool = host.pool("work");
  const auto child = pool.place_child<objects::deaf_child>();
  const pid_t pid = child.call<&objects::Deaf::pid>();
  child.stop();
  EXPECT_EQ(child.wait().reason, ChildExit::Reason::stopped);
  EXPECT_TRUE(gone(pid));
  EXPECT_EQ(pool.call<objects::add>(1, 2), 3);
}

}  // namespace
}  // namespace flame::test
