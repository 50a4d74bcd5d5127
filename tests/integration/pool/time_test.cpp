// How long a call may wait and run, and who decides: with(), the task's options, the pool. And how pools end.
#include <gmock/gmock.h>

#include "tests/support/pool_test.hpp"

namespace flame::test {
namespace {

using namespace std::chrono_literals;

class Time : public PoolTest {};

TEST_F(Time, AnExplicitTimeoutIsOneBudgetForBootQueueAndRun) {
  auto backend =
      std::make_shared<MeddledBackend>(MeddledBackend::Hooks{.refuse = {}, .change = {}, .holds_boots = true});
  Host host = make_host(backend);
  const Pool pool = host.pool("work");
  const auto begin = Clock::now();
  auto call = pool.with({.timeout = 2s}).async<pool_tasks::hold>(file("call"));
  ASSERT_FALSE(call.wait_for(1s)) << "half of it goes to the boot";
  backend->release();
  EXPECT_TRUE(appears("call.begun"));
  const Error error = error_of([&] { return call.get(); });
  EXPECT_EQ(error.code, ErrorCode::timed_out);
  EXPECT_EQ(error.started, Started::yes);
  EXPECT_GE(Clock::now() - begin, 2s);
  EXPECT_LT(Clock::now() - begin, 2900ms) << "not two seconds from the boot on";
}

TEST_F(Time, WithoutOneTheQueueHasTheBootTimeoutAndTheRunTheTimeout) {
  Host host = make_host([](PoolConfig& pool) {
    pool.boot_timeout = 2s;
    pool.timeout = 2s;
  });
  const Pool pool = host.pool("work");
  auto busy = pool.with({.timeout = 60s}).async<pool_tasks::hold>(file("busy"));
  ASSERT_TRUE(appears("busy.begun"));
  auto begin = Clock::now();
  EXPECT_EQ(error_of([&] { return pool.call<pool_tasks::add>(1, 2); }).code, ErrorCode::queue_timed_out);
  EXPECT_GE(Clock::now() - begin, 2s);
  EXPECT_LT(Clock::now() - begin, 3500ms);
  // What the queue took is not taken from the run.
  auto waits = pool.async<pool_tasks::hold>(file("waits"));
  ASSERT_FALSE(waits.wait_for(1s));
  go("busy");
  ASSERT_TRUE(appears("waits.begun"));
  begin = Clock::now();
  EXPECT_EQ(error_of([&] { return waits.get(); }).code, ErrorCode::timed_out);
  EXPECT_GE(Clock::now() - begin, 1500ms);
}

TEST_F(Time, ACastWaitsAndRunsAsLongAsItTakes) {
  Host host = make_host([](PoolConfig& pool) {
    pool.boot_timeout = 1s;
    pool.timeout = 1s;
  });
  const Pool pool = host.pool("work");
  auto busy = begin(pool, "busy", {.timeout = 60s});
  pool.cast<pool_tasks::nap>(1500);
  pool.cast<pool_tasks::note>(file("order"), "cast");
  EXPECT_FALSE(eventually([&] { return pool.stats().failed > 0; }, 1500ms));
  go("busy");
  EXPECT_TRUE(appears("order"));
  EXPECT_EQ(pool.stats().failed, 0U);
}

TEST_F(Time, NoTimeAtAllIsEnoughForNothing) {
  Host host = make_host();
  const Pool pool = host.pool("work");
  auto busy = begin(pool, "busy");
  EXPECT_EQ(error_of([&] { return pool.with({.timeout = 0s}).call<pool_tasks::add>(1, 2); }).code,
            ErrorCode::queue_timed_out);
  go("busy");
}

TEST_F(Time, ADrainedPoolEndsWhatItAcceptedAndRefusesTheRest) {
  Host host = make_host();
  Pool pool = host.pool("work");
  auto running = begin(pool, "running");
  auto waiting = pool.async<pool_tasks::add>(1, 2);
  std::thread drain([&] { EXPECT_TRUE(pool.drain(10s)); });
  EXPECT_TRUE(eventually([&] {
    return error_of([&] { return pool.with({.timeout = 10ms}).call<pool_tasks::add>(1, 2); }).code ==
           ErrorCode::shutting_down;
  }));
  go("running");
  drain.join();
  running.get();
  EXPECT_EQ(waiting.get(), 3);
  EXPECT_EQ(pool.stats().runners, 0U);
}

TEST_F(Time, ADrainThatTakesTooLongEndsTheRest) {
  Host host = make_host();
  Pool pool = host.pool("work");
  auto deaf = begin(pool, "deaf");
  auto waiting = pool.async<pool_tasks::add>(1, 2);
  const auto begin = Clock::now();
  EXPECT_FALSE(pool.drain(300ms));
  EXPECT_LT(Clock::now() - begin, 3s);
  EXPECT_EQ(error_of([&] { return deaf.get(); }).code, ErrorCode::shutting_down);
  EXPECT_EQ(error_of([&] { return waiting.get(); }).code, ErrorCode::shutting_down);
  EXPECT_EQ(pool.stats().runners, 0U);
}

TEST_F(Time, AHostThatShutsDownGivesAcceptedWorkItsShutdownTimeout) {
  Host host = make_host([](PoolConfig& pool) { pool.shutdown_timeout = 5s; });
  const Pool pool = host.pool("work");
  auto running = begin(pool, "running");
  auto waiting = pool.async<pool_tasks::add>(1, 2);
  std::thread shutdown([&] { host.shutdown(); });
  EXPECT_FALSE(running.wait_for(200ms));
  go("running");
  shutdown.join();
  running.get();
  EXPECT_EQ(waiting.get(), 3);
}

}  // namespace
}  // namespace flame::test
