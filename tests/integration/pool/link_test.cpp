// What ends with whom: futures, stop tokens and calls, with real tasks that show whether they were stopped.
#include <atomic>
#include <stop_token>
#include <thread>

#include <gmock/gmock.h>

#include "tests/support/pool_test.hpp"

namespace flame::test {
namespace {

using namespace std::chrono_literals;

class Links : public PoolTest {
 protected:
  static bool idle(const Pool& pool) {
    return eventually([&] { return pool.stats().slots_busy == 0; });
  }
  [[nodiscard]] Future<std::string> begin_wait(const Pool& pool, const std::string& name,
                                               CallOptions options = {}) const {
    auto future = pool.with(std::move(options)).async<pool_tasks::wait>(file(name));
    EXPECT_TRUE(appears(name + ".begun"));
    return future;
  }
};

TEST_F(Links, DroppingAFutureStopsItsTask) {
  Host host = make_host();
  const Pool pool = host.pool("work");
  { auto dropped = begin_wait(pool, "call"); }
  EXPECT_TRUE(appears("call.stopped"));
  EXPECT_TRUE(idle(pool));
  EXPECT_EQ(pool.call<pool_tasks::add>(1, 2), 3);
}

TEST_F(Links, DroppingAFutureKillsATaskThatDoesNotHear) {
  Host host = make_host();
  const Pool pool = host.pool("work");
  { auto dropped = begin(pool, "deaf"); }
  EXPECT_TRUE(idle(pool)) << "after kill_grace its slot is killed";
  go("deaf");
  EXPECT_EQ(pool.call<pool_tasks::add>(1, 2), 3);
  EXPECT_FALSE(exists("deaf.done"));
}

TEST_F(Links, AssigningAnotherFutureDropsTheFirst) {
  Host host = make_host([](PoolConfig& pool) { pool.max_concurrency = 2; });
  const Pool pool = host.pool("work");
  auto future = begin_wait(pool, "first");
  future = begin_wait(pool, "second");
  EXPECT_TRUE(appears("first.stopped"));
  EXPECT_FALSE(exists("second.stopped"));
  go("second");
  EXPECT_EQ(future.get(), "work-1");
}

TEST_F(Links, AnUnlinkedTaskOutlivesItsFuture) {
  Host host = make_host();
  const Pool pool = host.pool("work");
  { auto dropped = begin_wait(pool, "call", {.link = false}); }
  EXPECT_EQ(pool.stats().slots_busy, 1U) << "its slot is held until it has ended";
  go("call");
  EXPECT_TRUE(appears("call.done"));
  EXPECT_FALSE(exists("call.stopped"));
  EXPECT_TRUE(eventually([&] { return pool.stats().succeeded == 1; }));
}

TEST_F(Links, ADetachedTaskOutlivesItsFuture) {
  Host host = make_host();
  const Pool pool = host.pool("work");
  {
    auto future = begin_wait(pool, "call");
    future.detach();
    EXPECT_FALSE(future.valid());
  }
  go("call");
  EXPECT_TRUE(appears("call.done"));
  EXPECT_FALSE(exists("call.stopped"));
}

TEST_F(Links, AnUnlinkedTaskCanStillBeCancelled) {
  Host host = make_host();
  const Pool pool = host.pool("work");
  auto future = begin_wait(pool, "call", {.link = false});
  future.cancel();
  EXPECT_EQ(error_of([&] { return future.get(); }).code, ErrorCode::cancelled);
  EXPECT_TRUE(appears("call.stopped"));
}

TEST_F(Links, ThenTakesTheLinkWithIt) {
  Host host = make_host();
  const Pool pool = host.pool("work");
  std::atomic<bool> ran = false;
  {
    auto next = begin_wait(pool, "call").then([&](const std::string&) { ran = true; });
  }
  EXPECT_TRUE(appears("call.stopped"));
  EXPECT_TRUE(idle(pool));
  EXPECT_FALSE(ran) << "an error passes it by";
}

TEST_F(Links, AQueuedCallIsCancelledWithoutEverRunning) {
  Host host = make_host();
  const Pool pool = host.pool("work");
  auto busy = begin(pool, "busy");
  auto queued = pool.async<pool_tasks::hold>(file("queued"));
  EXPECT_EQ(pool.stats().waiting, 1U);
  queued.cancel();
  const Error error = error_of([&] { return queued.get(); });
  EXPECT_EQ(error.code, ErrorCode::cancelled);
  EXPECT_EQ(error.started, Started::no);
  EXPECT_EQ(pool.stats().waiting, 0U);
  go("busy");
  EXPECT_EQ(pool.call<pool_tasks::add>(1, 2), 3);
  EXPECT_FALSE(exists("queued.begun"));
}

TEST_F(Links, ACallIsCancelledWhileItsRunnerBoots) {
  auto backend =
      std::make_shared<MeddledBackend>(MeddledBackend::Hooks{.refuse = {}, .change = {}, .holds_boots = true});
  Host host = make_host(backend);
  const Pool pool = host.pool("work");
  auto call = pool.async<pool_tasks::hold>(file("call"));
  ASSERT_TRUE(eventually([&] { return pool.stats().booting == 1; }));
  call.cancel();
  const Error error = error_of([&] { return call.get(); });
  EXPECT_EQ(error.code, ErrorCode::cancelled);
  EXPECT_EQ(error.started, Started::no);
  backend->release();
  ASSERT_TRUE(has_runners(pool, 1)) << "the boot is not thrown away";
  EXPECT_EQ(pool.call<pool_tasks::add>(1, 2), 3);
  EXPECT_FALSE(exists("call.begun"));
}

TEST_F(Links, ARunningCallIsAnsweredAtOnceAndKeepsItsSlotUntilItHasEnded) {
  Host host = make_host();
  const Pool pool = host.pool("work");
  auto running = begin(pool, "deaf");
  ASSERT_FALSE(running.wait_for(50ms)) << "the runner says that it has begun after a few milliseconds";
  const auto begin = Clock::now();
  running.cancel();
  const Error error = error_of([&] { return running.get(); });
  EXPECT_LT(Clock::now() - begin, 200ms) << "before kill_grace has passed";
  EXPECT_EQ(error.code, ErrorCode::cancelled);
  EXPECT_EQ(error.started, Started::yes);
  EXPECT_EQ(pool.stats().slots_busy, 1U);
  EXPECT_EQ(pool.call<pool_tasks::add>(1, 2), 3);
  EXPECT_GE(Clock::now() - begin, 250ms) << "the only slot was free after the kill";
}

TEST_F(Links, CancellingAfterTheEndChangesNothing) {
  Host host = make_host();
  const Pool pool = host.pool("work");
  auto done = pool.async<pool_tasks::add>(1, 2);
  done.wait();
  done.cancel();
  done.cancel();
  EXPECT_EQ(done.get(), 3);
  done.cancel();
  EXPECT_EQ(pool.call<pool_tasks::add>(3, 4), 7);
}

TEST_F(Links, AStopTokenCancelsWhereverTheCallIs) {
  Host host = make_host();
  const Pool pool = host.pool("work");
  std::stop_source running;
  std::stop_source queued;
  auto first = begin_wait(pool, "running", {.stop = running.get_token()});
  auto second = pool.with({.stop = queued.get_token()}).async<pool_tasks::hold>(file("queued"));
  queued.request_stop();
  EXPECT_EQ(error_of([&] { return second.get(); }).code, ErrorCode::cancelled);
  running.request_stop();
  EXPECT_EQ(error_of([&] { return first.get(); }).code, ErrorCode::cancelled);
  EXPECT_TRUE(appears("running.stopped"));
  EXPECT_FALSE(exists("queued.begun"));
  auto late = pool.with({.stop = running.get_token()}).async<pool_tasks::hold>(file("late"));
  EXPECT_EQ(error_of([&] { return late.get(); }).code, ErrorCode::cancelled) << "stopped before it was called";
  EXPECT_TRUE(idle(pool));
}

TEST_F(Links, AStopTokenEndsABlockingCall) {
  Host host = make_host();
  const Pool pool = host.pool("work");
  std::stop_source source;
  std::thread stopper([&] {
    EXPECT_TRUE(appears("call.begun"));
    source.request_stop();
  });
  const auto result = pool.with({.stop = source.get_token()}).try_call<pool_tasks::wait>(file("call"));
  stopper.join();
  ASSERT_TRUE(result.has_error());
  EXPECT_EQ(result.error().code, ErrorCode::cancelled);
}

TEST_F(Links, ALinkedCastLivesAsLongAsItsHost) {
  {
    Host host = make_host([](PoolConfig& pool) { pool.shutdown_timeout = 100ms; });
    host.pool("work").cast<pool_tasks::wait>(file("cast"));
    EXPECT_TRUE(appears("cast.begun"));
    EXPECT_FALSE(exists("cast.stopped"));
  }
  EXPECT_TRUE(appears("cast.stopped"));
}

TEST_F(Links, AStormOfCancelsLosesNoSlot) {
  Host host = make_host([](PoolConfig& pool) {
    pool.max = 2;
    pool.max_concurrency = 4;
    pool.spare_slots = 1;
  });
  const Pool pool = host.pool("work");
  constexpr int kCalls = 400;
  std::vector<Future<std::string>> calls;
  for (int i = 0; i < kCalls; ++i) {
    calls.push_back(pool.async<pool_tasks::nap>(1));
    if (i % 3 == 0) calls[static_cast<std::size_t>(i / 2)].cancel();
    if (i % 7 == 0) calls[static_cast<std::size_t>(i)] = {};
  }
  for (auto& call : calls) {
    if (!call.valid()) continue;
    const auto result = call.try_get();
    EXPECT_TRUE(!result.has_error() || result.error().code == ErrorCode::cancelled) << result.error().to_string();
  }
  EXPECT_TRUE(idle(pool));
  std::vector<Future<std::string>> after;
  for (int i = 0; i < 8; ++i) after.push_back(begin(pool, std::to_string(i)));
  EXPECT_EQ(pool.stats().slots_busy, 8U) << "every slot is still there";
  for (int i = 0; i < 8; ++i) go(std::to_string(i));
  for (auto& call : after) call.get();
  const PoolStats stats = pool.stats();
  EXPECT_EQ(stats.submitted, stats.succeeded + stats.failed);
}

}  // namespace
}  // namespace flame::test
