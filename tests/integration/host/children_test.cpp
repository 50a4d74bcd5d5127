// Children as a user sees them: placed, called, waited for, stopped.
#include <optional>
#include <thread>

#include "tests/integration/host/objects_support.hpp"

namespace flame::test {
namespace {

using namespace std::chrono_literals;
using objects::Journal;
using objects::Worker;

class Children : public ObjectsTest {};

TEST_F(Children, ArePlacedInASlotOfTheirOwnAndAnswerCalls) {
  const Host host(config());
  const Pool pool = host.pool("work");
  const Child<Journal> journal = pool.place_child<objects::journal>("");
  journal.call<&Journal::append>(1);
  EXPECT_EQ(journal.call<&Journal::add>(40), 40);
  const auto value = journal.try_call<&Journal::value>();
  ASSERT_TRUE(value.has_value());
  EXPECT_EQ(*value, 40);
  EXPECT_EQ(pool.stats().slots_held, 1U);
  EXPECT_NE(journal.call<&Journal::pid>(), pool.call<objects::pid>());
}

TEST_F(Children, TakeAThousandCallsInTheOrderInWhichTheyWereMade) {
  const Host host(config());
  const auto journal = host.pool("work").place_child<objects::journal>("");
  for (std::int64_t i = 1; i <= 1000; ++i) journal.call<&Journal::append>(i);
  const auto all = journal.call<&Journal::all>();
  ASSERT_EQ(all.size(), 1000U);
  EXPECT_EQ(all.back(), 1000);
}

TEST_F(Children, TakeCallsThatWaitInTheOrderInWhichTheyCame) {
  const Host host(config());
  const Pool pool = host.pool("work");
  const auto journal = pool.place_child<objects::journal>(file());
  std::stop_source enough;
  std::thread blocker(
      [&] { static_cast<void>(journal.with({.stop = enough.get_token()}).try_call<&Journal::linger>(60'000)); });
  ASSERT_TRUE(wrote({"lingers"}));
  constexpr std::int64_t kCalls = 20;
  std::vector<std::thread> threads;
  for (std::int64_t i = 1; i <= kCalls; ++i) {
    threads.emplace_back([&, i] { journal.call<&Journal::append>(i); });
    ASSERT_TRUE(eventually([&] { return pool.stats().waiting == static_cast<std::uint64_t>(i); }));
  }
  enough.request_stop();
  blocker.join();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(journal.call<&Journal::all>().size(), static_cast<std::size_t>(kCalls));
}

TEST_F(Children, TakeCallsOfManyThreadsOneAtATime) {
  const Host host(config());
  const auto journal = host.pool("work").place_child<objects::journal>("");
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&journal] {
      for (int j = 0; j < 50; ++j) journal.call<&Journal::add>(1);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(journal.call<&Journal::value>(), 200);
}

TEST_F(Children, AFactoryThatFailsIsAnErrorValue) {
  const Host host(config());
  const Pool pool = host.pool("work");
  const auto thrown = pool.try_place_child<objects::broken>("no licence");
  ASSERT_TRUE(thrown.has_error());
  EXPECT_EQ(thrown.error().code, ErrorCode::task_failed);
  EXPECT_EQ(thrown.error().type, "std::runtime_error");
  EXPECT_EQ(thrown.error().message, "no licence");
  EXPECT_EQ(code_of([&] { static_cast<void>(pool.place_child<objects::none>()); }), ErrorCode::task_failed);
  EXPECT_EQ(code_of([&] { static_cast<void>(pool.place_child<objects::dying>()); }), ErrorCode::crashed);
  EXPECT_TRUE(held(pool, 0));
  EXPECT_EQ(pool.call<objects::add>(1, 2), 3);
}

TEST_F(Children, AnExceptionOfAMethodIsAnErrorAndTheChildLivesOn) {
  const Host host(config());
  const auto journal = host.pool("work").place_child<objects::journal>("");
  journal.call<&Journal::append>(1);
  const Error error = error_of([&] { journal.call<&Journal::append>(3); });
  EXPECT_EQ(error.code, ErrorCode::task_failed);
  EXPECT_EQ(error.message, "3 after 1");
  journal.call<&Journal::append>(2);
}

TEST_F(Children, OutliveWhatTheirMethodsReturnAsTracked) {
  const Host host(config());
  const auto journal = host.pool("work").place_child<objects::journal>(file());
  journal.call<&Journal::append>(1);
  {
    const Tracked<objects::Counter> page = journal.call<&Journal::page>();
    EXPECT_EQ(page.call<&objects::Counter::value>(), 1);
    EXPECT_EQ(page.call<&objects::Counter::pid>(), journal.call<&Journal::pid>());
  }
  EXPECT_TRUE(wrote({"gone"})) << "the page ends with its last handle";
  journal.call<&Journal::append>(2);
  EXPECT_EQ(journal.call<&Journal::all>().size(), 2U);
}

TEST_F(Children, RunOnAThreadOfTheirOwnBesideTheirMethods) {
  const Host host(config());
  const auto worker = host.pool("work").place_child<objects::worker>(file());
  const auto before = worker.call<&Worker::rounds>();
  EXPECT_TRUE(eventually([&] { return worker.call<&Worker::rounds>() > before; }));
  EXPECT_FALSE(worker.wait_for(0ms));
}

TEST_F(Children, EndByThemselvesWhenRunReturns) {
  const Host host(config());
  const Pool pool = host.pool("work");
  const auto worker = pool.place_child<objects::worker>(file());
  worker.call<&Worker::order>(Worker::Order::finish);
  const ChildExit exit = worker.wait();
  EXPECT_EQ(exit.reason, ChildExit::Reason::normal) << exit.error.to_string();
  EXPECT_EQ(exit.error.code, ErrorCode::none);
  EXPECT_EQ(worker.wait().reason, ChildExit::Reason::normal) << "it can be asked again";
  EXPECT_TRUE(wrote({"finished", "gone"}));
  EXPECT_TRUE(held(pool, 0));
  const Error error = error_of([&] { worker.call<&Worker::rounds>(); });
  EXPECT_EQ(error.code, ErrorCode::runner_lost) << error.to_string();
}

TEST_F(Children, WhoseRunReturnsAtOnceArePlacedAllTheSame) {
  const Host host(config());
  const Pool pool = host.pool("work");
  for (int i = 0; i < 20; ++i) {
    const auto brief = pool.place_child<objects::brief>();
    static_cast<void>(brief.try_call<&objects::Brief::ping>());  // in time or not
    EXPECT_EQ(brief.wait().reason, ChildExit::Reason::normal);
  }
  EXPECT_TRUE(held(pool, 0));
}

TEST_F(Children, WhoseRunThrowsTellTheException) {
  const Host host(config());
  const auto worker = host.pool("work").place_child<objects::worker>(file());
  worker.call<&Worker::order>(Worker::Order::explode);
  const ChildExit exit = worker.wait();
  EXPECT_EQ(exit.reason, ChildExit::Reason::exception) << exit.error.to_string();
  EXPECT_EQ(exit.error.code, ErrorCode::task_failed);
  EXPECT_EQ(exit.error.type, "std::runtime_error");
  EXPECT_EQ(exit.error.message, "run() exploded");
  EXPECT_TRUE(wrote({"gone"}));
}

TEST_F(Children, EndWhenTheyAreStopped) {
  const Host host(config());
  const Pool pool = host.pool("work");
  const auto worker = pool.place_child<objects::worker>(file());
  worker.stop();
  worker.stop();
  const ChildExit exit = worker.wait();
  EXPECT_EQ(exit.reason, ChildExit::Reason::stopped) << exit.error.to_string();
  EXPECT_EQ(exit.error.code, ErrorCode::cancelled);
  EXPECT_TRUE(wrote({"stopped", "gone"})) << "its token was asked first, then its destructor ran";
  const auto journal = pool.place_child<objects::journal>(file("journal"));
  journal.stop();
  EXPECT_EQ(journal.wait().reason, ChildExit::Reason::stopped);
  EXPECT_TRUE(wrote({"gone"}, "journal"));
  EXPECT_TRUE(held(pool, 0));
}

TEST_F(Children, EndWithTheirHandle) {
  const Host host(config());
  const Pool pool = host.pool("work");
  {
    auto worker = pool.place_child<objects::worker>(file());
    auto moved = std::move(worker);
    EXPECT_GE(moved.call<&Worker::rounds>(), 0);
  }
  EXPECT_TRUE(wrote({"stopped", "gone"}));
  EXPECT_TRUE(held(pool, 0));
  auto journal = pool.place_child<objects::journal>(file("journal"));
  journal = pool.place_child<objects::journal>(file("journal"));
  EXPECT_TRUE(wrote({"gone"}, "journal")) << "the first one";
  journal = {};
  EXPECT_TRUE(wrote({"gone", "gone"}, "journal"));
}

TEST_F(Children, ThatAreNotLinkedOutliveTheirHandle) {
  const Host host(config());
  const Pool pool = host.pool("work");
  pid_t pid = 0;
  {
    const auto worker = pool.with({.link = false}).place_child<objects::worker>(file());
    pid = worker.call<&Worker::pid>();
  }
  EXPECT_FALSE(eventually([&] { return is_gone(pid) || pool.stats().slots_held == 0; }, 500ms));
  EXPECT_TRUE(lines().empty());
}

TEST_F(Children, AreStoppedByTheEndOfTheirHostAndUnlinkedOnesAfterTheGrace) {
  Host host(config([](PoolConfig& pool) { pool.shutdown_timeout = 1s; }));
  const auto linked = host.pool("work").place_child<objects::worker>(file());
  const auto unlinked = host.pool("work").with({.link = false}).place_child<objects::worker>(file("unlinked"));
  std::thread end([&] { host.shutdown(); });
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_TRUE(linked.wait_for(900ms)) << "at once";
  EXPECT_FALSE(unlinked.wait_for(0ms));
  const ChildExit exit = unlinked.wait();
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 800ms);
  end.join();
  EXPECT_EQ(linked.wait().reason, ChildExit::Reason::stopped);
  EXPECT_EQ(linked.wait().error.code, ErrorCode::shutting_down) << linked.wait().error.to_string();
  EXPECT_EQ(exit.reason, ChildExit::Reason::stopped) << exit.error.to_string();
  EXPECT_TRUE(wrote({"stopped", "gone"}));
  EXPECT_TRUE(wrote({"stopped", "gone"}, "unlinked"));
  EXPECT_EQ(code_of([&] { linked.call<&Worker::rounds>(); }), ErrorCode::shutting_down);
}

TEST_F(Children, HoldOneSlotEachForTheirLife) {
  const Host host(config([](PoolConfig& pool) { pool.max_concurrency = 1; }));
  const Pool pool = host.pool("work");
  auto journal = pool.place_child<objects::journal>("");
  EXPECT_EQ(code_of([&] { pool.with({.timeout = 200ms}).call<objects::add>(1, 2); }), ErrorCode::queue_timed_out);
  auto waiting = pool.async<objects::add>(1, 2);
  journal = {};
  EXPECT_EQ(waiting.get(), 3);
  EXPECT_EQ(pool.stats().boots, 1U);
}

TEST_F(Children, KeepTheirRunnerUpForAsLongAsTheyLive) {
  const Host host(config([](PoolConfig& pool) { pool.idle_shutdown_after = 100ms; }));
  const Pool pool = host.pool("work");
  auto journal = pool.place_child<objects::journal>("");
  EXPECT_FALSE(eventually([&] { return pool.stats().runners == 0; }, 1s));
  journal.call<&Journal::append>(1);
  journal = {};
  EXPECT_TRUE(eventually([&] { return pool.stats().runners == 0; }));
}

TEST_F(Children, AreTheOneLeaseOfASingleUseRunner) {
  const Host host(config([](PoolConfig& pool) { pool.single_use = true, pool.max = 2; }));
  const Pool pool = host.pool("work");
  auto journal = pool.place_child<objects::journal>("");
  const pid_t pid = journal.call<&Journal::pid>();
  EXPECT_NE(pool.call<objects::pid>(), pid);
  journal.call<&Journal::append>(1);
  journal.call<&Journal::append>(2);
  journal = {};
  EXPECT_TRUE(eventually([&] { return pool.stats().runners == 0; }));
}

TEST_F(Children, MayHaveThreadsOfTheirOwn) {
  const Host host(config());
  const auto journal = host.pool("work").place_child<objects::journal>("");
  const pid_t pid = journal.call<&Journal::pid>();
  journal.call<&Journal::leave_thread>();
  journal.call<&Journal::append>(1);
  EXPECT_EQ(journal.call<&Journal::pid>(), pid);
}

TEST_F(Children, HaveTheirOutputInTheLogOfTheirTask) {
  std::mutex mutex;
  std::map<std::string, std::string> tasks;
  const Host host(config());
  Pool pool = host.pool("work");
  pool.on_log([&](const LogEvent& event) {
    const std::lock_guard lock(mutex);
    tasks[event.text] = event.task;
  });
  const auto worker = pool.place_child<objects::worker>("");
  const auto heard = [&](const std::string& text) {
    return eventually([&] {
      const std::lock_guard lock(mutex);
      return tasks.contains(text);
    });
  };
  EXPECT_TRUE(heard("run() speaks"));
  worker.call<&Worker::print>("a method speaks");
  EXPECT_TRUE(heard("a method speaks"));
  const std::lock_guard lock(mutex);
  EXPECT_EQ(tasks["run() speaks"], "objects::worker");
  EXPECT_EQ(tasks["a method speaks"], "objects::Worker::print");
}

TEST_F(Children, AnEmptyHandleSaysSo) {
  const Child<Journal> empty;
  EXPECT_FALSE(empty);
  EXPECT_EQ(code_of([&] { empty.call<&Journal::append>(1); }), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of([&] { empty.wait(); }), ErrorCode::invalid_argument);
  empty.stop();
}

TEST_F(Children, HandlesMayOutliveTheirHost) {
  std::optional<Child<Journal>> journal;
  {
    const Host host(config());
    journal.emplace(host.pool("work").place_child<objects::journal>(file()));
  }
  EXPECT_TRUE(wrote({"gone"}));
  EXPECT_EQ(journal->wait().reason, ChildExit::Reason::stopped);
  EXPECT_EQ(code_of([&] { journal->call<&Journal::append>(1); }), ErrorCode::shutting_down);
  journal->stop();
}

TEST_F(Children, LiveInThreadsOfATrustedProcessToo) {
  const Host host(config([](PoolConfig& pool) { pool.isolation = SlotIsolation::thread; }));
  const Pool pool = host.pool("work");
  auto first = pool.place_child<objects::worker>(file());
  const auto second = pool.place_child<objects::journal>("");
  EXPECT_EQ(first.call<&Worker::pid>(), second.call<&Journal::pid>());
  second.call<&Journal::append>(1);
  EXPECT_EQ(pool.call<objects::add>(1, 2), 3);
  first.stop();
  EXPECT_EQ(first.wait().reason, ChildExit::Reason::stopped);
  EXPECT_TRUE(wrote({"stopped", "gone"}));
  second.call<&Journal::append>(2);
  const auto third = pool.place_child<objects::worker>("");
  third.call<&Worker::order>(Worker::Order::explode);
  EXPECT_EQ(third.wait().reason, ChildExit::Reason::exception);
  second.call<&Journal::append>(3);
}

}  // namespace
}  // namespace flame::test
