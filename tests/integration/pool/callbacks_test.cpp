// on_grow_start, on_grow_end, on_shrink: what they are told, and that nothing they do harms the pool.
#include <atomic>
#include <future>
#include <stdexcept>

#include <gmock/gmock.h>

#include "tests/support/pool_test.hpp"

namespace flame::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class Callbacks : public PoolTest {};

TEST_F(Callbacks, CountsAreRunnersAndBootsAfterTheEvent) {
  Host host = make_host([](PoolConfig& pool) {
    pool.max = 3;
    pool.idle_shutdown_after = 200ms;
  });
  Pool pool = host.pool("work");
  const Events events(pool);
  auto one = begin(pool, "one");
  EXPECT_TRUE(events.become("start 1, end 1"));
  auto two = begin(pool, "two");
  EXPECT_TRUE(events.become("start 1, end 1, start 2, end 2"));
  go("one");
  EXPECT_TRUE(events.become("start 1, end 1, start 2, end 2, shrink 1"));
  go("two");
  EXPECT_TRUE(events.become("start 1, end 1, start 2, end 2, shrink 1, shrink 0"));
  const auto all = events.all();
  EXPECT_EQ(all[0].runner, "work-1");
  EXPECT_EQ(all[1].runner, "work-1");
  EXPECT_EQ(all[4].runner, one.get());
  EXPECT_EQ(all[4].text, "idle");
}

TEST_F(Callbacks, AShrinkSaysWhyTheRunnerIsGone) {
  Host host = make_host();
  Pool pool = host.pool("work");
  const Events events(pool);
  kill_runner_of(pool.call<pool_tasks::process>());
  EXPECT_TRUE(events.become("start 1, end 1, shrink 0"));
  EXPECT_EQ(events.all().back().text, "exit code 137 (killed by signal 9)");
  pool.call<pool_tasks::add>(1, 2);
  EXPECT_TRUE(pool.drain(5s));
  EXPECT_TRUE(events.become("start 1, end 1, shrink 0, start 1, end 1, shrink 0"));
  EXPECT_EQ(events.all().back().text, "the host drains this runner");
}

TEST_F(Callbacks, AFailedBootEndsItsGrowth) {
  auto backend = std::make_shared<MeddledBackend>(MeddledBackend::Hooks{
      .refuse = [](const BootRequest&) { return boot_failure("no such image", true); }, .change = {}});
  Host host = make_host(backend);
  Pool pool = host.pool("work");
  const Events events(pool);
  EXPECT_EQ(error_of([&] { return pool.call<pool_tasks::add>(1, 2); }).code, ErrorCode::boot_failed);
  EXPECT_TRUE(events.become("start 1, failed 0"));
  EXPECT_THAT(events.all().back().text, HasSubstr("no such image"));
}

TEST_F(Callbacks, ABootThatTheEndOvertakesEndsItsGrowthToo) {
  auto backend =
      std::make_shared<MeddledBackend>(MeddledBackend::Hooks{.refuse = {}, .change = {}, .holds_boots = true});
  Host host = make_host(backend);
  Pool pool = host.pool("work");
  const Events events(pool);
  auto call = pool.async<pool_tasks::add>(1, 2);
  EXPECT_TRUE(events.become("start 1"));
  pool.drain(0s);
  EXPECT_TRUE(events.become("start 1, failed 0"));
  EXPECT_EQ(error_of([&] { return call.get(); }).code, ErrorCode::shutting_down);
  backend->release();  // the machine comes up for nobody: LeftoversTest sees that it goes
}

TEST_F(Callbacks, WhatTheyThrowIsDropped) {
  std::atomic<int> calls = 0;
  Host host = make_host([](PoolConfig& pool) { pool.idle_shutdown_after = 50ms; });
  Pool pool = host.pool("work");
  const auto fail = [&](const auto&) {
    ++calls;
    throw std::runtime_error("a bad callback");
  };
  pool.on_grow_start(fail);
  pool.on_grow_end(fail);
  pool.on_shrink(fail);
  for (int round = 1; round <= 2; ++round) {
    EXPECT_EQ(pool.call<pool_tasks::add>(1, 2), 3);
    EXPECT_TRUE(has_runners(pool, 0));
    EXPECT_TRUE(eventually([&] { return calls == 3 * round; })) << "they are called again";
  }
}

TEST_F(Callbacks, ThatBlockInSeveralPoolsDoNotKeepContinuationsFromRunning) {
  std::atomic<int> blocked = 0;
  HostConfig settings = config();
  for (const char* name : {"a", "b", "c"}) settings.pools[name] = settings.pools.at("work");
  Host host(settings);
  std::promise<void> release;
  const auto released = release.get_future().share();
  for (const char* name : {"a", "b", "c"}) {
    Pool pool = host.pool(name);
    pool.on_grow_start([&, released](const GrowStart&) {
      ++blocked;
      released.wait();
    });
    pool.call<pool_tasks::add>(1, 2);
  }
  EXPECT_TRUE(eventually([&] { return blocked == 3; }));
  auto future = host.pool("work").async<pool_tasks::add>(3, 4).then([](std::int32_t sum) { return sum + 1; });
  EXPECT_EQ(future.get(), 8);
  release.set_value();
}

TEST_F(Callbacks, OutputThatACallbackDoesNotTakeIsDroppedAndCounted) {
  std::atomic<std::uint64_t> dropped = 0;
  Host host = make_host();
  Pool pool = host.pool("work");
  std::promise<void> release;
  const auto released = release.get_future().share();
  pool.on_log([&, released](const LogEvent& event) {
    released.wait();
    dropped += event.dropped;
  });
  pool.call<pool_tasks::say>(20'000);
  release.set_value();
  EXPECT_TRUE(eventually([&] {
    pool.call<pool_tasks::say>(1);
    return dropped > 0;
  }));
}

TEST_F(Callbacks, OneThatBlocksDelaysOnlyTheOthersOfItsPool) {
  std::atomic<bool> blocked = false;
  std::atomic<int> shrunk = 0;
  Host host = make_host([](PoolConfig& pool) {
    pool.max = 2;
    pool.idle_shutdown_after = 50ms;
  });
  Pool pool = host.pool("work");
  std::promise<void> release;
  const auto released = release.get_future().share();
  pool.on_grow_start([&, released](const GrowStart&) {
    blocked = true;
    released.wait();
  });
  pool.on_shrink([&](const Shrink&) { ++shrunk; });
  EXPECT_EQ(pool.call<pool_tasks::add>(1, 2), 3);
  EXPECT_TRUE(eventually([&] { return blocked.load(); }));
  EXPECT_TRUE(has_runners(pool, 0)) << "growth and retirement go on";
  auto future = pool.async<pool_tasks::add>(3, 4).then([](std::int32_t sum) { return sum + 1; });
  EXPECT_EQ(future.get(), 8) << "so do continuations";
  EXPECT_EQ(shrunk, 0);
  release.set_value();
  EXPECT_TRUE(eventually([&] { return shrunk == 2; })) << "nothing was forgotten";
}

TEST_F(Callbacks, TheyMayCallThePool) {
  Host host = make_host([](PoolConfig& pool) { pool.max_concurrency = 2; });
  Pool pool = host.pool("work");
  std::promise<std::int32_t> sum;
  pool.on_grow_end([&](const GrowEnd&) { sum.set_value(pool.call<pool_tasks::add>(20, 22)); });
  pool.call<pool_tasks::add>(1, 2);
  EXPECT_EQ(sum.get_future().get(), 42);
  pool.on_grow_end({});
}

}  // namespace
}  // namespace flame::test
