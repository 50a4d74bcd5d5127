// A version is activated on a live host: who gets which, and what goes on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/integration/swap/swap_test.hpp"

namespace flame::test::activate_test {
namespace {

using namespace std::chrono_literals;

class Activate : public SwapTest {
 protected:
  Activate() { add("1.0.0"); }
};

// The lines that a user types.
TEST_F(Activate, LaterCallsGoToTheNewVersionAndRollbackGoesBack) {
  Host host(config());
  const Pool pool = host.pool("work");
  EXPECT_EQ(pool.call<swap::version>(), "1.0.0");
  add("1.1.0");

  const ActivateResult done = host.activate("swap@1.1.0");
  EXPECT_EQ(pool.call<swap::version>(), "1.1.0");
  host.rollback("swap");
  EXPECT_EQ(pool.call<swap::version>(), "1.0.0");
  host.rollback("swap");
  EXPECT_EQ(pool.call<swap::version>(), "1.1.0");

  EXPECT_EQ(done.plugin, "swap");
  EXPECT_EQ(done.version, "1.1.0");
  ASSERT_EQ(done.switched.size(), 1U);
  EXPECT_EQ(done.switched[0].pool, "work");
  EXPECT_EQ(done.switched[0].from, "swap@1.0.0");
  EXPECT_EQ(done.switched[0].to, "swap@1.1.0");
  EXPECT_FALSE(done.recorded);
  EXPECT_EQ(pool.stats().boots, 1U) << "the runner stays";
}

TEST_F(Activate, TheSameVersionAgainChangesNothing) {
  Host host(config());
  EXPECT_TRUE(host.activate("swap").switched.empty());
  EXPECT_EQ(host.pool("work").stats().boots, 0U);
}

TEST_F(Activate, APoolWithoutARunnerBootsOneToSeeThatItStarts) {
  Host host(config());
  add("1.1.0");
  host.activate("swap@1");
  EXPECT_EQ(host.pool("work").stats().boots, 1U);
  EXPECT_EQ(host.pool("work").call<swap::version>(), "1.1.0");
}

TEST_F(Activate, WhatRunsOnTheOldVersionEndsThere) {
  Host host(config());
  const Pool pool = host.pool("work");
  auto held = begin(pool, "held");
  add("1.1.0");
  host.activate("swap@1.1.0");
  EXPECT_EQ(pool.call<swap::version>(), "1.1.0") << "beside it";
  go("held");
  EXPECT_EQ(held.get(), "1.0.0");
}

TEST_F(Activate, TheOldGenerationsProcessesLeaveWithItsLastCall) {
  Host host(config());
  const Pool pool = host.pool("work");
  const auto slot = static_cast<pid_t>(pool.call<swap::process>());
  auto held = begin(pool, "held");
  add("1.1.0");
  host.activate("swap@1.1.0");
  go("held");
  held.get();
  EXPECT_TRUE(eventually([&] { return is_gone(slot); }));
}

TEST_F(Activate, ChildrenAndTrackedResourcesStayWithTheirVersion) {
  Host host(config());
  const Pool pool = host.pool("work");
  auto child = pool.place_child<swap::keeper>();
  auto note = pool.call<swap::note>();
  add("1.1.0");
  host.activate("swap@1.1.0");
  EXPECT_EQ(child.call<&swap::Keeper::version>(), "1.0.0");
  EXPECT_EQ(note.call<&swap::Note::version>(), "1.0.0");
  child.stop();
  note = {};
  EXPECT_EQ(pool.place_child<swap::keeper>().call<&swap::Keeper::version>(), "1.1.0");
}

TEST_F(Activate, WhatStaysLongerThanDrainWithinIsStoppedAndToldWhy) {
  Host host(config());
  const Pool pool = host.pool("work");
  auto child = pool.place_child<swap::keeper>();
  auto endless = pool.with({.timeout = kForever}).async<swap::wait>(file("endless"));
  ASSERT_TRUE(begins("endless"));
  add("1.1.0");
  host.activate("swap@1.1.0", {.drain_within = 50ms});
  ASSERT_TRUE(child.wait_for(10s));
  EXPECT_EQ(child.wait().reason, ChildExit::Reason::stopped);
  EXPECT_EQ(child.wait().error.message, "replaced by swap@1.1.0");
  const Error error = error_of([&] { return endless.get(); });
  EXPECT_EQ(error.code, ErrorCode::cancelled);
  EXPECT_EQ(error.message, "replaced by swap@1.1.0");
}

TEST_F(Activate, WhatIsRolledBackToIsNotDrained) {
  Host host(config());
  const Pool pool = host.pool("work");
  auto child = pool.place_child<swap::keeper>();
  add("1.1.0");
  host.activate("swap@1.1.0", {.drain_within = 200ms});
  host.rollback("swap");
  EXPECT_FALSE(child.wait_for(400ms));
  EXPECT_EQ(child.call<&swap::Keeper::version>(), "1.0.0");
}

TEST_F(Activate, ARetryKeepsItsVersion) {
  Host host(config());
  const Pool pool = host.pool("work");
  auto call = pool.async<swap::die_once>(file("dies"));
  ASSERT_TRUE(begins("dies"));
  add("1.1.0");
  host.activate("swap@1.1.0");
  go("dies");
  EXPECT_EQ(call.get(), "1.0.0");
  EXPECT_EQ(pool.call<swap::version>(), "1.1.0");
}

TEST_F(Activate, InThreadIsolationLikewise) {
  Host host(config("swap@1", [](PoolConfig& pool) { pool.isolation = SlotIsolation::thread; }));
  const Pool pool = host.pool("work");
  auto held = begin(pool, "held");
  add("1.1.0");
  host.activate("swap@1.1.0");
  EXPECT_EQ(pool.call<swap::version>(), "1.1.0");
  go("held");
  EXPECT_EQ(held.get(), "1.0.0");
}

TEST_F(Activate, EveryPoolWhoseConstraintAdmitsItAndNoOther) {
  HostConfig both = config();
  both.pools["other"] = both.pools["work"];
  both.pools["pinned"] = both.pools["work"];
  both.pools["pinned"].plugins = {"swap@1.0.0"};
  Host host(std::move(both));
  add("1.1.0");
  const ActivateResult done = host.activate("swap@1.1.0");
  EXPECT_EQ(done.switched.size(), 2U);
  ASSERT_EQ(done.passed_over.size(), 1U);
  EXPECT_EQ(done.passed_over[0].pool, "pinned");
  EXPECT_EQ(done.passed_over[0].constraint, "swap@1.0.0");
  EXPECT_EQ(host.pool("other").call<swap::version>(), "1.1.0");
  EXPECT_EQ(host.pool("pinned").call<swap::version>(), "1.0.0");
}

TEST_F(Activate, OnePoolAlone) {
  HostConfig both = config();
  both.pools["other"] = both.pools["work"];
  Host host(std::move(both));
  add("1.1.0");
  host.activate("swap@1.1.0", {.pool = "other"});
  EXPECT_EQ(host.pool("other").call<swap::version>(), "1.1.0");
  EXPECT_EQ(host.pool("work").call<swap::version>(), "1.0.0");
}

TEST_F(Activate, AVersionByItsDigest) {
  Host host(config());
  add("1.1.0");
  const ActivateResult done = host.activate("swap@1.1.0");
  host.rollback("swap");
  host.activate("swap@sha256:" + done.digest.substr(0, 16));
  EXPECT_EQ(host.pool("work").call<swap::version>(), "1.1.0");
}

TEST_F(Activate, NoCallIsLostWhileVersionsChangeUnderLoad) {
  Host host(config());
  const Pool pool = host.pool("work");
  add("1.1.0");
  std::atomic<bool> over{false};
  std::atomic<std::uint64_t> served{0};
  std::atomic<std::uint64_t> failed{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      while (!over) error_of([&] { return pool.call<swap::version>(); }).code == ErrorCode::none ? ++served : ++failed;
    });
  }
  for (int i = 0; i < 10; ++i) {
    const std::string version = i % 2 == 0 ? "1.1.0" : "1.0.0";
    host.activate("swap@" + version);
    EXPECT_EQ(pool.call<swap::version>(), version);
  }
  over = true;
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(failed, 0U);
  EXPECT_GT(served, 0U);
  EXPECT_EQ(pool.stats().boots, 1U);
}

}  // namespace
}  // namespace flame::test::activate_test
