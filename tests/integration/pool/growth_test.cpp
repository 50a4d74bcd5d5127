// How a pool grows and shrinks, with real runners: demand, minimum, warm slots, hints, bounds.
#include <algorithm>
#include <set>

#include <gmock/gmock.h>

#include "tests/support/pool_test.hpp"

namespace flame::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

class Growth : public PoolTest {
 protected:
  static std::shared_ptr<MeddledBackend> holding() {
    return std::make_shared<MeddledBackend>(MeddledBackend::Hooks{.refuse = {}, .change = {}, .holds_boots = true});
  }
  static bool boots(const Pool& pool, std::uint64_t count) {
    return eventually([&] { return pool.stats().boots == count; });
  }
};

// FLAME's checkout(): with no free runner, boot unless pending * c > waiting, counted before the caller joins the
// queue.
TEST_F(Growth, EachArrivalBootsWhatFlamesRuleWouldBoot) {
  constexpr std::uint32_t kMax = 4;
  for (std::uint32_t concurrency = 1; concurrency <= 4; ++concurrency) {
    auto backend = holding();
    Host host = make_host(backend, [&](PoolConfig& pool) {
      pool.max = kMax;
      pool.max_concurrency = concurrency;
    });
    const Pool pool = host.pool("work");
    std::vector<Future<std::int32_t>> calls;
    std::uint32_t pending = 0;
    for (std::uint32_t waiting = 0; waiting < 14; ++waiting) {
      if (pending < kMax && pending * concurrency <= waiting) ++pending;
      calls.push_back(pool.async<pool_tasks::add>(1, 2));
      const PoolStats stats = pool.stats();
      ASSERT_EQ(stats.waiting, waiting + 1);
      ASSERT_EQ(stats.booting, pending) << "arrival " << waiting << ", max_concurrency " << concurrency;
    }
    backend->release();
    for (auto& call : calls) EXPECT_EQ(call.get(), 3);
    EXPECT_EQ(pool.stats().boots, pending);
  }
}

TEST_F(Growth, BootsGoOnSideBySide) {
  auto backend = holding();
  Host host = make_host(backend, [](PoolConfig& pool) { pool.max = 3; });
  const Pool pool = host.pool("work");
  std::vector<Future<std::string>> calls;
  for (const char* name : {"one", "two", "three"}) calls.push_back(pool.async<pool_tasks::hold>(file(name)));
  EXPECT_TRUE(eventually([&] { return backend->asked().size() == 3; })) << "none of them has come up";
  backend->release();
  for (const char* name : {"one", "two", "three"}) EXPECT_TRUE(appears(std::string(name) + ".begun"));
  std::set<std::string> runners;
  for (const char* name : {"one", "two", "three"}) go(name);
  for (auto& call : calls) runners.insert(call.get());
  EXPECT_EQ(runners.size(), 3U);
}

TEST_F(Growth, TheMinimumBootsSideBySideAtStartAndIsKeptUp) {
  auto backend = holding();
  Host host = make_host(backend, [](PoolConfig& pool) {
    pool.min = 3;
    pool.max = 3;
  });
  Pool pool = host.pool("work");
  const Events events(pool);
  EXPECT_TRUE(eventually([&] { return backend->asked().size() == 3; }));
  backend->release();
  ASSERT_TRUE(has_runners(pool, 3));
  kill_runner_of(pool.call<pool_tasks::process>());
  EXPECT_TRUE(boots(pool, 4));
  EXPECT_TRUE(has_runners(pool, 3));
  EXPECT_EQ(pool.stats().runners_lost, 1U);
  EXPECT_TRUE(events.become("shrink 2")) << "boots that keep min up tell nobody";
}

TEST_F(Growth, MinRunnersGoAfterTheirOwnIdleTimeAndComeBackWithTheNextCall) {
  Host host = make_host([](PoolConfig& pool) {
    pool.min = 2;
    pool.max = 2;
    pool.idle_shutdown_after = 100ms;
    pool.min_idle_shutdown_after = 600ms;
  });
  const Pool pool = host.pool("work");
  ASSERT_TRUE(has_runners(pool, 2));
  const auto up = Clock::now();
  EXPECT_TRUE(has_runners(pool, 0));
  EXPECT_GT(Clock::now() - up, 400ms);
  EXPECT_EQ(pool.stats().booting, 0U);
  EXPECT_EQ(pool.call<pool_tasks::add>(1, 2), 3);
  EXPECT_TRUE(boots(pool, 4)) << "both";
}

TEST_F(Growth, LeastLoadedSpreadsAndPackFills) {
  for (const Strategy strategy : {Strategy::least_loaded, Strategy::pack}) {
    Host host = make_host([&](PoolConfig& pool) {
      pool.min = 2;
      pool.max = 2;
      pool.max_concurrency = 4;
      pool.strategy = strategy;
    });
    const Pool pool = host.pool("work");
    ASSERT_TRUE(has_runners(pool, 2));
    const std::string prefix = strategy == Strategy::pack ? "pack" : "spread";
    std::map<std::string, int> per_runner;
    std::vector<Future<std::string>> calls;
    for (int i = 0; i < 4; ++i) calls.push_back(begin(pool, prefix + std::to_string(i)));
    for (int i = 0; i < 4; ++i) go(prefix + std::to_string(i));
    for (auto& call : calls) ++per_runner[call.get()];
    if (strategy == Strategy::pack) {
      EXPECT_EQ(per_runner.size(), 1U);
    } else {
      ASSERT_EQ(per_runner.size(), 2U);
      EXPECT_EQ(per_runner.begin()->second, 2);
    }
  }
}

TEST_F(Growth, APackedPoolLetsTheRunnerGoThatASpikeNeeded) {
  Host host = make_host([](PoolConfig& pool) {
    pool.max = 2;
    pool.max_concurrency = 2;
    pool.strategy = Strategy::pack;
    pool.idle_shutdown_after = 300ms;
  });
  const Pool pool = host.pool("work");
  std::vector<Future<std::string>> spike;
  for (const char* name : {"one", "two", "three"}) spike.push_back(begin(pool, name));
  for (const char* name : {"one", "two", "three"}) go(name);
  for (auto& call : spike) call.get();
  ASSERT_EQ(pool.stats().runners, 2U);
  // A steady trickle would keep both awake if it were spread.
  EXPECT_TRUE(eventually([&] {
    pool.call<pool_tasks::nap>(20);
    return pool.stats().runners == 1;
  }));
}

TEST_F(Growth, FailedBootsAreTriedAgainAfterASecondAndThenLessOften) {
  auto backend = std::make_shared<MeddledBackend>(MeddledBackend::Hooks{
      .refuse = [](const BootRequest&) { return boot_failure("no capacity", false); }, .change = {}});
  Host host = make_host(backend, [](PoolConfig& pool) { pool.max = 3; });
  const Pool pool = host.pool("work");
  const auto bound = pool.with({.timeout = 4s});
  std::vector<Future<std::int32_t>> calls;
  for (int i = 0; i < 3; ++i) calls.push_back(bound.async<pool_tasks::add>(1, 2));
  for (auto& call : calls) {
    const Error error = error_of([&] { return call.get(); });
    EXPECT_EQ(error.code, ErrorCode::boot_failed);
    EXPECT_THAT(error.message, HasSubstr("no capacity"));
  }
  // The boots of one moment fail together: that is one failure.
  std::vector<Clock::time_point> rounds;
  for (const auto asked : backend->asked()) {
    if (rounds.empty() || asked - rounds.back() > 100ms) rounds.push_back(asked);
  }
  ASSERT_EQ(rounds.size(), 3U) << "at 0, about 1 and about 3 seconds";
  EXPECT_GE(rounds[1] - rounds[0], 750ms);
  EXPECT_LT(rounds[1] - rounds[0], 1500ms);
  EXPECT_GE(rounds[2] - rounds[1], 1500ms);
  EXPECT_LT(rounds[2] - rounds[1], 2500ms);
}

TEST_F(Growth, NobodyBootsForCallersThatAreGone) {
  auto backend = std::make_shared<MeddledBackend>(MeddledBackend::Hooks{
      .refuse = [](const BootRequest&) { return boot_failure("no capacity", false); }, .change = {}});
  Host host = make_host(backend);
  const Pool pool = host.pool("work");
  EXPECT_EQ(error_of([&] { return pool.with({.timeout = 100ms}).call<pool_tasks::add>(1, 2); }).code,
            ErrorCode::boot_failed);
  EXPECT_FALSE(eventually([&] { return backend->asked().size() > 1; }, 1200ms));
}

TEST_F(Growth, ASingleUseRunnerServesOneCallAndTheMinimumIsFilledUp) {
  Host host = make_host([](PoolConfig& pool) {
    pool.min = 2;
    pool.max = 4;
    pool.max_concurrency = 100;
    pool.single_use = true;
  });
  const Pool pool = host.pool("work");
  std::set<std::string> used;
  for (int round = 0; round < 3; ++round) {
    std::vector<Future<std::string>> calls;
    for (int i = 0; i < 6; ++i) calls.push_back(pool.async<pool_tasks::runner>());
    for (auto& call : calls) EXPECT_TRUE(used.insert(call.get()).second) << "a runner served twice";
  }
  for (int i = 0; i < 6; ++i) EXPECT_TRUE(used.insert(pool.call<pool_tasks::runner>()).second) << "one after the other";
  EXPECT_EQ(used.size(), 24U);
  EXPECT_TRUE(eventually([&] {
    const PoolStats stats = pool.stats();
    return stats.runners - stats.draining == 2 && stats.booting == 0 && stats.draining == 0;
  }));
  EXPECT_EQ(pool.stats().runners_lost, 0U);
}

TEST_F(Growth, AFullQueueRefusesTheNextCaller) {
  Host host = make_host([](PoolConfig& pool) { pool.max_queue = 2; });
  const Pool pool = host.pool("work");
  auto busy = begin(pool, "busy");
  auto first = pool.async<pool_tasks::add>(1, 2);
  auto second = pool.async<pool_tasks::add>(1, 2);
  const Error error = error_of([&] { return pool.call<pool_tasks::add>(1, 2); });
  EXPECT_EQ(error.code, ErrorCode::queue_full);
  EXPECT_EQ(error.started, Started::no);
  go("busy");
  EXPECT_EQ(first.get(), 3);
  EXPECT_EQ(second.get(), 3);
  EXPECT_EQ(pool.call<pool_tasks::add>(1, 2), 3);
}

TEST_F(Growth, ResizeMovesTheBoundsOfARunningPool) {
  Host host = make_host();
  Pool pool = host.pool("work");
  auto one = begin(pool, "one");
  auto two = pool.async<pool_tasks::hold>(file("two"));
  EXPECT_EQ(pool.stats().waiting, 1U);
  pool.resize(0, 2);
  EXPECT_TRUE(appears("two.begun")) << "a waiter gets the runner that it could not have before";
  pool.resize(4, 4);
  EXPECT_TRUE(has_runners(pool, 4));
  pool.resize(0, 1);
  EXPECT_TRUE(has_runners(pool, 2)) << "idle ones leave at once";
  go("one");
  EXPECT_TRUE(has_runners(pool, 1)) << "busy ones when they are idle";
  go("two");
  two.get();
  EXPECT_EQ(pool.stats().runners_lost, 0U);
}

TEST_F(Growth, WarmSlotsStandReadyAboveDemand) {
  Host host = make_host([](PoolConfig& pool) {
    pool.max = 3;
    pool.warm = 1;
    pool.idle_shutdown_after = 150ms;
  });
  const Pool pool = host.pool("work");
  ASSERT_TRUE(has_runners(pool, 1)) << "before the first call";
  auto one = begin(pool, "one");
  ASSERT_TRUE(has_runners(pool, 2));
  auto two = begin(pool, "two");
  ASSERT_TRUE(has_runners(pool, 3));
  go("one");
  go("two");
  ASSERT_TRUE(has_runners(pool, 1)) << "when demand is gone one spare slot is enough";
  EXPECT_FALSE(eventually([&] { return pool.stats().runners != 1; }, 500ms)) << "and it stays";
  kill_runner_of(pool.call<pool_tasks::process>());
  EXPECT_TRUE(boots(pool, 4));
  EXPECT_TRUE(has_runners(pool, 1));
}

TEST_F(Growth, AHintBootsRunnersAheadAndLapses) {
  Host host = make_host([](PoolConfig& pool) {
    pool.max = 3;
    pool.max_concurrency = 2;
    pool.idle_shutdown_after = 100ms;
  });
  Pool pool = host.pool("work");
  pool.expect(3, 5s);  // booting takes some of it
  ASSERT_TRUE(has_runners(pool, 2));
  EXPECT_FALSE(eventually([&] { return pool.stats().runners < 2; }, 400ms)) << "they wait for the calls";
  EXPECT_TRUE(has_runners(pool, 0)) << "that have not come";
  EXPECT_EQ(pool.stats().boots, 2U);
  pool.expect(2, 1h);
  ASSERT_TRUE(has_runners(pool, 1));
  for (int i = 0; i < 2; ++i) pool.call<pool_tasks::add>(1, 2);
  EXPECT_TRUE(has_runners(pool, 0)) << "the calls have come";
}

TEST_F(Growth, AHintCanBeTakenBack) {
  Host host = make_host([](PoolConfig& pool) { pool.idle_shutdown_after = 100ms; });
  Pool pool = host.pool("work");
  pool.expect(1, 1h);
  ASSERT_TRUE(has_runners(pool, 1));
  EXPECT_FALSE(eventually([&] { return pool.stats().runners == 0; }, 300ms));
  pool.expect(0);
  EXPECT_TRUE(has_runners(pool, 0));
}

TEST_F(Growth, StatisticsCountWhatHappened) {
  Host host = make_host([](PoolConfig& pool) { pool.max = 2; });
  Pool pool = host.pool("work");
  EXPECT_EQ(pool.stats().max, 2U);
  EXPECT_EQ(pool.call<pool_tasks::add>(1, 2), 3);
  EXPECT_EQ(error_of([&] { return pool.call<pool_tasks::fail>("boom"); }).code, ErrorCode::task_failed);
  auto one = begin(pool, "one");
  auto two = begin(pool, "two");
  auto three = pool.async<pool_tasks::add>(1, 2);
  PoolStats stats = pool.stats();
  EXPECT_EQ(stats.runners, 2U);
  EXPECT_EQ(stats.draining, 0U);
  EXPECT_EQ(stats.slots_busy, 2U);
  EXPECT_EQ(stats.waiting, 1U);
  EXPECT_EQ(stats.submitted, 5U);
  EXPECT_EQ(stats.succeeded, 1U);
  EXPECT_EQ(stats.failed, 1U);
  EXPECT_EQ(stats.boots, 2U);
  go("one");
  go("two");
  EXPECT_EQ(three.get(), 3);
  EXPECT_TRUE(pool.drain(5s));
  stats = pool.stats();
  EXPECT_EQ(stats.runners + stats.booting, 0U);
  EXPECT_EQ(stats.succeeded, 4U);
  EXPECT_EQ(stats.runners_lost + stats.boots_failed + stats.retried, 0U);
}

}  // namespace
}  // namespace flame::test
