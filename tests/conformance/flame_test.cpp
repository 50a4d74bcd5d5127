// FLAME's test/flame_test.exs. The number above each test is that of README.md.
#include <algorithm>
#include <atomic>

#include <gmock/gmock.h>

#include "tests/support/pool_test.hpp"

namespace flame::test {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class FlameConformance : public PoolTest {
 protected:
  static ChangePool pool_of(std::uint32_t min, std::uint32_t max, std::uint32_t concurrency, Duration idle = 30s) {
    return [=](PoolConfig& pool) {
      pool.min = min;
      pool.max = max;
      pool.max_concurrency = concurrency;
      pool.idle_shutdown_after = idle;
    };
  }
  static bool idles_out(const Pool& pool) {
    return eventually([&] { return pool.stats().runners == 0 && pool.stats().booting == 0; }, 5s);
  }
};

// 1
TEST_F(FlameConformance, BootsMinRunnersAndGrowsOnDemand) {
  Host host = make_host(pool_of(1, 2, 2));
  const Pool pool = host.pool("work");
  ASSERT_TRUE(has_runners(pool, 1)) << "min";
  const std::string first = pool.call<pool_tasks::runner>();
  auto one = begin(pool, "one");
  EXPECT_EQ(pool.call<pool_tasks::runner>(), first);
  auto two = begin(pool, "two");
  EXPECT_NE(pool.call<pool_tasks::runner>(), first) << "no slot was left there";
  EXPECT_EQ(pool.stats().runners, 2U);
  auto three = begin(pool, "three");
  auto four = begin(pool, "four");
  const auto asked = Clock::now();
  const Error error = error_of([&] { return pool.with({.timeout = 100ms}).call<pool_tasks::runner>(); });
  EXPECT_EQ(error.code, ErrorCode::queue_timed_out) << error.to_string();
  EXPECT_EQ(error.started, Started::no);
  EXPECT_LT(Clock::now() - asked, 1s);
  auto later = pool.async<pool_tasks::runner>();
  go("two");
  EXPECT_EQ(later.get(), first) << "served where a slot became free";
  EXPECT_EQ(pool.stats().runners, 2U);
  for (const char* name : {"one", "three", "four"}) go(name);
  EXPECT_EQ(pool.stats().boots, 2U);
}

// 2
TEST_F(FlameConformance, OneBootServesAllCallsThatItsRunnerHasSlotsFor) {
  Host host = make_host(pool_of(0, 1, 2));
  const Pool pool = host.pool("work");
  EXPECT_EQ(pool.stats().runners + pool.stats().booting, 0U);
  auto one = pool.async<pool_tasks::hold>(file("one"));
  auto two = pool.async<pool_tasks::hold>(file("two"));
  EXPECT_TRUE(appears("one.begun"));
  EXPECT_TRUE(appears("two.begun"));
  EXPECT_EQ(pool.stats().boots, 1U);
  go("one");
  go("two");
}

// 3. FLAME fails the boot by a callback that raises; here callbacks cannot fail a boot, so the backend does.
TEST_F(FlameConformance, AFailedBootIsTriedAgainAndItsWaitersAreServed) {
  std::atomic<int> boots = 0;
  auto backend = std::make_shared<MeddledBackend>(MeddledBackend::Hooks{
      .refuse =
          [&](const BootRequest&) {
            return ++boots == 2 ? std::optional(boot_failure("no capacity", false)) : std::nullopt;
          },
      .change = {}});
  Host host = make_host(backend, pool_of(1, 2, 1));
  Pool pool = host.pool("work");
  const Events events(pool);
  ASSERT_TRUE(has_runners(pool, 1));
  auto busy = begin(pool, "busy");
  pool.cast<pool_tasks::note>(file("cast"), "ran");
  EXPECT_TRUE(events.become("start 2, failed 1"));
  EXPECT_EQ(pool.stats().runners, 1U);
  EXPECT_FALSE(exists("cast"));
  EXPECT_TRUE(eventually([&] { return exists("cast"); }, 2s)) << "a retry within about a second";
  EXPECT_EQ(pool.call<pool_tasks::add>(1, 2), 3);
  EXPECT_TRUE(events.become("start 2, failed 1, start 2, end 2"));
  const auto all = events.all();
  EXPECT_EQ(all[0].runner, all[1].runner);
  EXPECT_THAT(all[1].text, HasSubstr("no capacity"));
  EXPECT_EQ(all[2].runner, all[3].runner);
  EXPECT_NE(all[1].runner, all[2].runner);
  EXPECT_EQ(pool.stats().runners, 2U);
  go("busy");
}

// 4
TEST_F(FlameConformance, IdleRunnersBeyondMinGo) {
  Host host = make_host(pool_of(1, 2, 2, 500ms));
  Pool pool = host.pool("work");
  const Events events(pool);
  ASSERT_TRUE(has_runners(pool, 1));
  std::vector<Future<std::string>> calls;
  for (int i = 0; i < 3; ++i) calls.push_back(pool.async<pool_tasks::nap>(100));
  for (auto& call : calls) call.get();
  EXPECT_EQ(pool.stats().runners, 2U);
  EXPECT_TRUE(eventually([&] { return pool.stats().runners == 1; }, 2s));
  EXPECT_TRUE(events.become("start 2, end 2, shrink 1"));
  EXPECT_EQ(events.all().back().text, "idle");
  EXPECT_EQ(pool.call<pool_tasks::add>(1, 2), 3);
  EXPECT_EQ(pool.stats().boots, 2U) << "the min runner has stayed";
}

// 5. FLAME kills the caller; here it gets an error.
TEST_F(FlameConformance, ARunnerThatGoesDownEndsItsCalls) {
  Host host = make_host(pool_of(1, 1, 2));
  const Pool pool = host.pool("work");
  const auto slot = pool.call<pool_tasks::process>();
  auto call = begin(pool, "call");
  kill_runner_of(slot);
  const Error error = error_of([&] { return call.get(); });
  EXPECT_EQ(error.code, ErrorCode::runner_lost) << error.to_string();
  EXPECT_NE(error.started, Started::no);
}

// 6
TEST_F(FlameConformance, ALinkedCallHearsHowItsFunctionEnded) {
  Host host = make_host(pool_of(0, 1, 2, 50ms));
  const Pool pool = host.pool("work");
  const Error error = error_of([&] { pool.call<pool_tasks::kill_self>(); });
  EXPECT_EQ(error.code, ErrorCode::crashed);
  EXPECT_EQ(error.signal, SIGKILL);
  EXPECT_EQ(pool.stats().runners_lost, 0U);
  EXPECT_TRUE(idles_out(pool));
}

// 6
TEST_F(FlameConformance, AnUnlinkedCallHearsHowItsFunctionEnded) {
  Host host = make_host(pool_of(0, 1, 2, 50ms));
  const Pool pool = host.pool("work");
  const Error error = error_of([&] { return pool.with({.link = false}).call<pool_tasks::fail>("boom"); });
  EXPECT_EQ(error.code, ErrorCode::task_failed);
  EXPECT_EQ(error.type, "std::runtime_error");
  EXPECT_EQ(error.message, "boom");
  EXPECT_TRUE(idles_out(pool));
}

// 7
TEST_F(FlameConformance, AnUnlinkedCastThatFailsHarmsNobody) {
  Host host = make_host(pool_of(0, 1, 2, 50ms));
  Pool pool = host.pool("work");
  std::atomic<int> failures = 0;
  pool.on_cast_error([&](const CastError& event) { failures += event.error.code == ErrorCode::task_failed ? 1 : 0; });
  pool.with({.link = false}).cast<pool_tasks::fail>("boom");
  EXPECT_TRUE(eventually([&] { return failures == 1; }));
  EXPECT_TRUE(idles_out(pool));
}

// 8
TEST_F(FlameConformance, ACastReturnsAtOnceAndRunsInAProcessOfItsOwn) {
  Host host = make_host(pool_of(1, 2, 2));
  const Pool pool = host.pool("work");
  ASSERT_TRUE(has_runners(pool, 1));
  pool.cast<pool_tasks::hold>(file("cast"));
  EXPECT_FALSE(exists("cast.done"));
  EXPECT_TRUE(appears("cast.begun"));
  EXPECT_NE(pool.call<pool_tasks::process>(), ::getpid());
  go("cast");
  EXPECT_TRUE(appears("cast.done"));
  EXPECT_TRUE(eventually([&] { return pool.stats().slots_busy == 0; }));
}

// 9
TEST_F(FlameConformance, CastsGrowThePoolToItsMaximum) {
  Host host = make_host(pool_of(0, 2, 1));
  Pool pool = host.pool("work");
  const Events events(pool);
  for (const char* name : {"one", "two", "three"}) pool.cast<pool_tasks::hold>(file(name));
  EXPECT_TRUE(appears("one.begun"));
  EXPECT_TRUE(appears("two.begun"));
  EXPECT_FALSE(exists("three.begun"));
  go("one");
  EXPECT_TRUE(appears("three.begun"));
  go("two");
  go("three");
  EXPECT_TRUE(eventually([&] { return pool.stats().succeeded == 3; }));
  EXPECT_TRUE(eventually([&] { return events.all().size() == 4; }));
  std::vector<std::uint32_t> starts;
  for (const auto& event : events.all()) {
    if (event.kind == "start") starts.push_back(event.count);
  }
  EXPECT_THAT(starts, ElementsAre(1, 2));
  EXPECT_EQ(pool.stats().boots, 2U) << "no third one, now that all is over";
}

// 10. FLAME sends the caller an exit signal; here the pool's owner is told.
TEST_F(FlameConformance, ALinkedCastThatExitsIsReported) {
  Host host = make_host(pool_of(1, 2, 2));
  Pool pool = host.pool("work");
  std::atomic<int> exit_code = 0;
  pool.on_cast_error([&](const CastError& event) { exit_code = event.error.exit_code; });
  pool.cast<pool_tasks::leave>(3);
  EXPECT_TRUE(eventually([&] { return exit_code == 3; }));
}

// 19. What FLAME packs for its runners, plugins are here.
TEST_F(FlameConformance, WhatAHostPreparesForItsRunnersGoesWithIt) {
  const auto plugins = [this] {
    const auto entries = entries_of(directory());
    return std::ranges::count_if(entries, [](const std::string& entry) { return entry.ends_with(".so"); });
  };
  {
    Host host = make_host(pool_of(1, 1, 1));
    EXPECT_EQ(host.pool("work").call<pool_tasks::add>(1, 2), 3);
    EXPECT_GT(plugins(), 0);
  }
  EXPECT_EQ(plugins(), 0);
}

}  // namespace
}  // namespace flame::test
