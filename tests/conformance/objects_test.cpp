// FLAME's tests of place_child and resource tracking. The number above each test is that of README.md.
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "tests/support/pool_test.hpp"

namespace flame::test {
namespace {

using namespace std::chrono_literals;
using pool_tasks::Tally;
using pool_tasks::Ticker;

class ObjectConformance : public PoolTest {
 protected:
  static ChangePool pool_of(std::uint32_t max, std::uint32_t concurrency) {
    return [=](PoolConfig& pool) {
      pool.max = max;
      pool.max_concurrency = concurrency;
      pool.idle_shutdown_after = 100ms;
    };
  }
  static bool idles_out(const Pool& pool) {
    return eventually([&] { return pool.stats().runners == 0; }, 5s);
  }
  /// For ten times as long as an idle runner would.
  static bool stays_up(const Pool& pool) {
    return !eventually([&] { return pool.stats().runners == 0; }, 1s);
  }
};

// 11
TEST_F(ObjectConformance, APlacedChildAnswersAndKeepsItsRunnerAsACastDoes) {
  Host host = make_host(pool_of(2, 2));
  const Pool pool = host.pool("work");
  const Child<Ticker> ticker = pool.place_child<pool_tasks::ticker>();
  EXPECT_EQ(ticker.call<&Ticker::add>(2), 2);
  EXPECT_TRUE(stays_up(pool));
  EXPECT_EQ(ticker.call<&Ticker::add>(3), 5);
  pool.cast<pool_tasks::hold>(file("cast"));
  ASSERT_TRUE(appears("cast.begun"));
  ticker.stop();
  EXPECT_EQ(ticker.wait().reason, ChildExit::Reason::stopped);
  EXPECT_TRUE(stays_up(pool)) << "the cast still runs there";
  go("cast");
  EXPECT_TRUE(idles_out(pool));
}

// 12. FLAME sends the caller an exit; here wait() tells.
TEST_F(ObjectConformance, TheOwnerOfAChildHearsThatItWasKilled) {
  Host host = make_host(pool_of(2, 2));
  const Pool pool = host.pool("work");
  for (const bool link : {true, false}) {
    const Child<Ticker> ticker = pool.with({.link = link}).place_child<pool_tasks::ticker>();
    EXPECT_TRUE(ticker.try_call<&Ticker::kill_self>().has_error());
    const ChildExit exit = ticker.wait();
    EXPECT_EQ(exit.reason, ChildExit::Reason::crashed);
    EXPECT_EQ(exit.error.signal, SIGKILL);
    EXPECT_EQ(pool.call<pool_tasks::add>(1, 2), 3) << "nobody else is affected";
    EXPECT_TRUE(idles_out(pool));
  }
}

// 13. FLAME's owner is the process that placed it; here it is the handle.
TEST_F(ObjectConformance, AChildEndsWithItsOwnerUnlessItIsNotLinked) {
  Host host = make_host(pool_of(2, 2));
  const Pool pool = host.pool("work");
  std::optional<Child<Ticker>> ticker = pool.place_child<pool_tasks::ticker>();
  ticker.reset();
  EXPECT_TRUE(idles_out(pool)) << "linked";
  static_cast<void>(pool.with({.link = false}).place_child<pool_tasks::ticker_of>(file("ticker")));
  EXPECT_TRUE(stays_up(pool)) << "not linked";
  go("ticker");
  EXPECT_TRUE(idles_out(pool)) << "it has ended";
}

// 14
TEST_F(ObjectConformance, ResourcesAreFoundAtAnyDepthBesideOtherData) {
  Host host = make_host(pool_of(2, 2));
  const Pool pool = host.pool("work");
  const auto found = pool.call<pool_tasks::nested_tallies>();
  EXPECT_EQ(found.at("none").first, "nothing here");
  EXPECT_TRUE(found.at("none").second.empty());
  const auto& [text, tallies] = found.at("some");
  EXPECT_EQ(text, "two and a gap");
  ASSERT_EQ(tallies.size(), 3U);
  EXPECT_EQ(tallies[0]->call<&Tally::add>(1), 11);
  EXPECT_FALSE(tallies[1]);
  EXPECT_EQ(tallies[2]->call<&Tally::add>(1), 21);
}

// 15. In FLAME tracking is asked for; here it is in the type, and what has another type is a plain value.
TEST_F(ObjectConformance, WhatIsNotTrackedKeepsNoRunner) {
  Host host = make_host(pool_of(2, 2));
  const Pool pool = host.pool("work");
  EXPECT_FALSE(pool.call<pool_tasks::runner>().empty());
  EXPECT_EQ(pool.stats().slots_held, 0U);
  EXPECT_TRUE(idles_out(pool));
}

// 16, 17
TEST_F(ObjectConformance, ATrackedResourceKeepsItsRunnerForAsLongAsItLives) {
  Host host = make_host(pool_of(2, 2));
  const Pool pool = host.pool("work");
  std::optional<Tracked<Tally>> tally = pool.call<pool_tasks::tally>(1);
  EXPECT_TRUE(stays_up(pool));
  EXPECT_EQ(tally->call<&Tally::add>(1), 2);
  tally.reset();
  EXPECT_TRUE(idles_out(pool));
}

// 18
TEST_F(ObjectConformance, TheResourcesOfOneCallHoldOneSlotUntilTheLastIsGone) {
  Host host = make_host(pool_of(1, 1));
  const Pool pool = host.pool("work");
  auto tallies = pool.call<pool_tasks::nested_tallies>().at("some").second;
  tallies[0].reset();
  EXPECT_TRUE(stays_up(pool)) << "one is left";
  const Error error = error_of([&] { return pool.with({.timeout = 200ms}).call<pool_tasks::runner>(); });
  EXPECT_EQ(error.code, ErrorCode::queue_timed_out) << error.to_string();
  tallies.clear();
  std::optional<Tracked<Tally>> next = pool.call<pool_tasks::tally>(1);
  EXPECT_EQ(pool.stats().boots, 1U) << "on the same runner";
  next.reset();
  EXPECT_TRUE(idles_out(pool));
}

}  // namespace
}  // namespace flame::test
