// Scheduler: FIFO per digest, least-loaded or packed, exact single use, one lease released once.
#include "host/src/policy/scheduler.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "plugin_sdk/base/limits.hpp"

namespace flame::pool {
namespace scheduler_test {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr DigestId kVideo = 0;
constexpr DigestId kAudio = 1;
const std::vector<DigestId> kBoth = {kVideo, kAudio};
const std::vector<DigestId> kVideoOnly = {kVideo};

Scheduler::Options slots(std::uint32_t capacity) {
  return {.capacity = capacity};
}

// Leases as "call@runner" pairs, until nobody can be served.
std::vector<std::pair<CallId, RunnerId>> serve(Scheduler& scheduler) {
  std::vector<std::pair<CallId, RunnerId>> leases;
  while (auto lease = scheduler.next()) leases.emplace_back(lease->call, lease->runner);
  return leases;
}
using namespace std::chrono_literals;
using Pair = std::pair<CallId, RunnerId>;

TEST(Scheduler, ServesWaitersInTheOrderTheyCame) {
  Scheduler scheduler(slots(1));
  for (CallId call = 1; call <= 3; ++call) scheduler.enqueue(call, kVideo, call);
  EXPECT_THAT(serve(scheduler), IsEmpty());
  scheduler.add_runner(7, kVideoOnly);
  EXPECT_THAT(serve(scheduler), ElementsAre(Pair(1, 7)));
  EXPECT_TRUE(scheduler.release(7, 1));
  EXPECT_THAT(serve(scheduler), ElementsAre(Pair(2, 7)));
  EXPECT_TRUE(scheduler.release(7, 2));
  EXPECT_THAT(serve(scheduler), ElementsAre(Pair(3, 7)));
}

TEST(Scheduler, SpreadsCallsOverTheLeastLoadedRunners) {
  Scheduler scheduler(slots(3));
  scheduler.add_runner(1, kVideoOnly);
  scheduler.add_runner(2, kVideoOnly);
  for (CallId call = 1; call <= 7; ++call) scheduler.enqueue(call, kVideo, call);
  EXPECT_THAT(serve(scheduler), ElementsAre(Pair(1, 1), Pair(2, 2), Pair(3, 1), Pair(4, 2), Pair(5, 1), Pair(6, 2)));
  EXPECT_EQ(scheduler.waiting(), 1u);
}

TEST(Scheduler, PacksCallsIntoTheFullestRunnerThatHasRoom) {
  Scheduler scheduler({.capacity = 2, .strategy = Strategy::pack});
  scheduler.add_runner(1, kVideoOnly);
  scheduler.add_runner(2, kVideoOnly);
  for (CallId call = 1; call <= 3; ++call) scheduler.enqueue(call, kVideo, call);
  EXPECT_THAT(serve(scheduler), ElementsAre(Pair(1, 1), Pair(2, 1), Pair(3, 2)));
  scheduler.release(1, 1);
  scheduler.enqueue(4, kVideo, 4);
  EXPECT_THAT(serve(scheduler), ElementsAre(Pair(4, 1)));
}

TEST(Scheduler, LeasesRunnersOfEarlierBackendsFirst) {
  Scheduler scheduler(slots(2));
  scheduler.add_runner(1, kVideoOnly, 1);
  scheduler.add_runner(2, kVideoOnly, 0);
  scheduler.add_runner(3, kVideoOnly, 0);
  for (CallId call = 1; call <= 5; ++call) scheduler.enqueue(call, kVideo, call);
  EXPECT_THAT(serve(scheduler), ElementsAre(Pair(1, 2), Pair(2, 3), Pair(3, 2), Pair(4, 3), Pair(5, 1)));
  scheduler.release(3, 2);
  scheduler.enqueue(6, kVideo, 6);
  EXPECT_THAT(serve(scheduler), ElementsAre(Pair(6, 3))) << "though the other backend's has the same load";
}

TEST(Scheduler, PacksCallsIntoTheFullestRunnerOfTheFirstBackendThatHasRoom) {
  Scheduler scheduler({.capacity = 3, .strategy = Strategy::pack});
  scheduler.add_runner(1, kVideoOnly, 1);
  for (CallId call = 1; call <= 2; ++call) scheduler.enqueue(call, kVideo, call);
  EXPECT_THAT(serve(scheduler), ElementsAre(Pair(1, 1), Pair(2, 1)));
  scheduler.add_runner(2, kVideoOnly, 0);
  scheduler.add_runner(3, kVideoOnly, 0);
  for (CallId call = 3; call <= 9; ++call) scheduler.enqueue(call, kVideo, call);
  EXPECT_THAT(serve(scheduler),
              ElementsAre(Pair(3, 2), Pair(4, 2), Pair(5, 2), Pair(6, 3), Pair(7, 3), Pair(8, 3), Pair(9, 1)));
}

TEST(Scheduler, LetsIdleRunnersOfLaterBackendsGoFirst) {
  Scheduler scheduler(slots(1));
  scheduler.add_runner(1, kVideoOnly, 2);
  scheduler.add_runner(2, kVideoOnly, 1);
  scheduler.add_runner(3, kVideoOnly, 1);
  scheduler.add_runner(4, kVideoOnly, 0);
  EXPECT_EQ(scheduler.idle_after(0), 3U);
  EXPECT_EQ(scheduler.idle_after(1), 1U);
  EXPECT_EQ(scheduler.idle_after(2), 0U);
  EXPECT_EQ(scheduler.idle_runner(), 1U);
  scheduler.close_runner(1);
  EXPECT_EQ(scheduler.idle_after(0), 2U);
  EXPECT_EQ(scheduler.idle_runner(), 3U) << "the newest of them";
  scheduler.enqueue(1, kVideo, 1);
  EXPECT_THAT(serve(scheduler), ElementsAre(Pair(1, 4)));
  scheduler.remove_runner(3);
  EXPECT_EQ(scheduler.idle_after(0), 1U);
  scheduler.remove_runner(2);
  EXPECT_EQ(scheduler.idle_runner(), std::nullopt) << "the other has work";
  scheduler.release(4, 1);
  EXPECT_EQ(scheduler.idle_runner(), 4U);
  EXPECT_EQ(scheduler.idle_after(0), 0U);
}

TEST(Scheduler, LetsThoseBehindPassWhoWaitForARunnerThatSuitsThem) {
  Scheduler scheduler(slots(1));
  scheduler.add_runner(1, kVideoOnly);
  scheduler.add_runner(2, kVideoOnly);
  for (CallId call = 1; call <= 3; ++call) scheduler.enqueue(call, kVideo, call);
  scheduler.enqueue(4, kAudio, 4);
  const Scheduler::Fits fits{.needs = [](CallId call) { return Instant(call == 1   ? 30s
                                                                       : call == 2 ? 20s
                                                                                   : 10s); },
                             .ends = [](RunnerId runner) { return Instant(runner == 2 ? 20s : 10s); }};
  const auto first = scheduler.next(&fits);
  ASSERT_TRUE(first);
  EXPECT_EQ(Pair(first->call, first->runner), Pair(2, 2));
  const auto second = scheduler.next(&fits);
  ASSERT_TRUE(second);
  EXPECT_EQ(Pair(second->call, second->runner), Pair(3, 1));
  EXPECT_FALSE(scheduler.next(&fits));
  EXPECT_EQ(scheduler.waiting(), 2u);
}

TEST(Scheduler, LooksForARunnerThatSuitsInABoundedNumberOnly) {
  Scheduler scheduler(slots(1));
  for (RunnerId runner = 1; runner <= 2 * limits::kFitRunnersMax; ++runner) scheduler.add_runner(runner, kVideoOnly);
  for (CallId call = 1; call <= 2 * limits::kFitWaitersMax; ++call) scheduler.enqueue(call, kVideo, call);
  std::size_t asked = 0;
  const Scheduler::Fits each_needs_less{.needs = [](CallId call) { return Instant(1h - std::chrono::seconds(call)); },
                                        .ends = [&](RunnerId) { return ++asked, Instant(1s); }};
  EXPECT_FALSE(scheduler.next(&each_needs_less));
  EXPECT_EQ(asked, (limits::kFitRunnersMax + limits::kFitNewestMax) * limits::kFitWaitersMax);
  asked = 0;
  const Scheduler::Fits all_need_the_same{.needs = [](CallId) { return Instant(1h); }, .ends = each_needs_less.ends};
  EXPECT_FALSE(scheduler.next(&all_need_the_same));
  EXPECT_EQ(asked, limits::kFitRunnersMax + limits::kFitNewestMax) << "one look tells it of all";
}

TEST(Scheduler, FindsTheRunnerThatSuitsBehindManyThatDoNot) {
  const RunnerId many = 2 * limits::kFitRunnersMax;
  for (const BackendIndex backend : {BackendIndex{0}, BackendIndex{1}}) {
    Scheduler scheduler(slots(1));
    for (RunnerId runner = 1; runner <= many; ++runner) scheduler.add_runner(runner, kVideoOnly);
    scheduler.add_runner(many + 1, kVideoOnly, backend);
    const Scheduler::Fits fits{.needs = [](CallId) { return Instant(1h); },
                               .ends = [&](RunnerId runner) { return runner > many ? kNever : Instant(1s); }};
    scheduler.enqueue(1, kVideo, 1);
    const auto lease = scheduler.next(&fits);
    ASSERT_TRUE(lease) << backend;
    EXPECT_EQ(lease->runner, many + 1);
  }
}

TEST(Scheduler, LetsACallPassManyThatNeedMore) {
  Scheduler scheduler(slots(1));
  scheduler.add_runner(1, kVideoOnly);
  const CallId last = 2 * limits::kFitWaitersMax;
  for (CallId call = 1; call <= last; ++call) scheduler.enqueue(call, kVideo, call);
  const Scheduler::Fits fits{.needs = [&](CallId call) { return call == last ? Instant(1s) : kNever; },
                             .ends = [](RunnerId) { return Instant(1h); }};
  const auto lease = scheduler.next(&fits);
  ASSERT_TRUE(lease);
  EXPECT_EQ(lease->call, last);
}

TEST(Scheduler, PacksRunnersThatEnd) {
  Scheduler::Options options = slots(3);
  options.strategy = Strategy::pack;
  Scheduler scheduler(options);
  for (RunnerId runner = 1; runner <= 3; ++runner) scheduler.add_runner(runner, kVideoOnly);
  const Scheduler::Fits fits{.needs = [](CallId) { return Instant(1s); },
                             .ends = [](RunnerId runner) { return runner == 1 ? Instant() : Instant(1h); }};
  std::vector<RunnerId> order;
  for (CallId call = 1; call <= 4; ++call) {
    scheduler.enqueue(call, kVideo, call);
    const auto lease = scheduler.next(&fits);
    ASSERT_TRUE(lease);
    order.push_back(lease->runner);
  }
  EXPECT_THAT(order, ElementsAre(2, 2, 2, 3)) << "the first ends too early";
}

TEST(Scheduler, KnowsWhoHasWaitedLongest) {
  Scheduler scheduler(slots(1));
  for (CallId call = 1; call <= 6; ++call) scheduler.enqueue(call, call % 2 == 0 ? kVideo : kAudio, call);
  EXPECT_THAT(scheduler.oldest_waiters(0, 1), ElementsAre(1));
  EXPECT_THAT(scheduler.oldest_waiters(1, 3), ElementsAre(2, 3, 4));
  EXPECT_THAT(scheduler.oldest_waiters(4, 10), ElementsAre(5, 6));
  EXPECT_THAT(scheduler.oldest_waiters(6, 1), ElementsAre());
}

TEST(Scheduler, NeverLeasesARunnerWithoutTheDigest) {
  Scheduler scheduler(slots(1));
  scheduler.add_runner(1, kVideoOnly);
  scheduler.enqueue(1, kAudio, 1);
  scheduler.enqueue(2, kVideo, 2);
  EXPECT_THAT(serve(scheduler), ElementsAre(Pair(2, 1))) << "a waiter that nobody serves must not block another digest";
  EXPECT_EQ(scheduler.waiting(), 1u);
  scheduler.add_runner(2, kBoth);
  EXPECT_THAT(serve(scheduler), ElementsAre(Pair(1, 2)));
}

TEST(Scheduler, GivesAFreeSlotToTheOldestWaiterOfAllDigests) {
  Scheduler scheduler(slots(1));
  scheduler.enqueue(1, kAudio, 1);
  scheduler.enqueue(2, kVideo, 2);
  scheduler.enqueue(3, kAudio, 3);
  scheduler.add_runner(1, kBoth);
  std::vector<CallId> order;
  while (auto lease = scheduler.next()) {
    order.push_back(lease->call);
    scheduler.release(1, lease->call);
  }
  EXPECT_THAT(order, ElementsAre(1, 2, 3));
}

TEST(Scheduler, PutsARetryWhereItWasInTheQueue) {
  Scheduler scheduler(slots(1));
  scheduler.enqueue(5, kVideo, 5);
  scheduler.enqueue(4, kVideo, 4);
  EXPECT_THAT(scheduler.waiters(kVideo), ElementsAre(4, 5));
}

TEST(Scheduler, NeverLeasesAClosedRunner) {
  Scheduler scheduler(slots(2));
  scheduler.add_runner(1, kVideoOnly);
  scheduler.enqueue(1, kVideo, 1);
  EXPECT_THAT(serve(scheduler), ElementsAre(Pair(1, 1)));
  EXPECT_TRUE(scheduler.close_runner(1));
  EXPECT_FALSE(scheduler.close_runner(1));
  scheduler.enqueue(2, kVideo, 2);
  EXPECT_THAT(serve(scheduler), IsEmpty());
  EXPECT_TRUE(scheduler.release(1, 1));
  EXPECT_THAT(serve(scheduler), IsEmpty());
  EXPECT_EQ(scheduler.servers(kVideo), 0u);
}

TEST(Scheduler, UsesASingleUseRunnerForOneCallOnly) {
  Scheduler scheduler({.capacity = 100, .single_use = true});
  EXPECT_EQ(scheduler.capacity(), 1u);
  scheduler.add_runner(1, kVideoOnly);
  scheduler.enqueue(1, kVideo, 1);
  scheduler.enqueue(2, kVideo, 2);
  EXPECT_THAT(serve(scheduler), ElementsAre(Pair(1, 1)));
  scheduler.release(1, 1);
  EXPECT_THAT(serve(scheduler), IsEmpty());
  EXPECT_EQ(scheduler.idle_runner(), std::nullopt) << "a used runner is not one that could serve";
}

TEST(Scheduler, ReturnsTheCallsOfALostRunnerOldestFirst) {
  Scheduler scheduler(slots(3));
  scheduler.add_runner(1, kVideoOnly);
  for (CallId call : {9U, 3U, 6U}) scheduler.enqueue(call, kVideo, 10 - call);
  serve(scheduler);
  EXPECT_THAT(scheduler.remove_runner(1), ElementsAre(9, 6, 3));
  EXPECT_EQ(scheduler.in_flight(), 0u);
  EXPECT_THAT(scheduler.remove_runner(1), IsEmpty());
  EXPECT_FALSE(scheduler.release(1, 9));
}

TEST(Scheduler, ReleasesALeaseOnce) {
  Scheduler scheduler(slots(2));
  scheduler.add_runner(1, kVideoOnly);
  scheduler.enqueue(1, kVideo, 1);
  serve(scheduler);
  EXPECT_TRUE(scheduler.holds(1, 1));
  EXPECT_TRUE(scheduler.release(1, 1));
  EXPECT_FALSE(scheduler.release(1, 1));
  EXPECT_EQ(scheduler.in_flight(), 0u);
}

TEST(Scheduler, ForgetsAWaiterThatGaveUp) {
  Scheduler scheduler(slots(1));
  scheduler.enqueue(1, kVideo, 1);
  EXPECT_TRUE(scheduler.remove_waiting(1));
  EXPECT_FALSE(scheduler.remove_waiting(1));
  scheduler.add_runner(1, kVideoOnly);
  EXPECT_THAT(serve(scheduler), IsEmpty());
  EXPECT_THAT(scheduler.wanted(), IsEmpty());
}

TEST(Scheduler, KnowsWhichRunnerIsIdle) {
  Scheduler scheduler(slots(2));
  scheduler.add_runner(1, kVideoOnly);
  scheduler.add_runner(2, kVideoOnly);
  EXPECT_EQ(scheduler.idle_runner(), 2u);
  scheduler.enqueue(1, kVideo, 1);
  serve(scheduler);
  scheduler.close_runner(2);
  EXPECT_EQ(scheduler.idle_runner(), std::nullopt);
  scheduler.release(1, 1);
  EXPECT_EQ(scheduler.idle_runner(), 1u);
}

TEST(Scheduler, CountsTheFreeSlotsOfOpenRunners) {
  Scheduler scheduler({.capacity = 2});
  const DigestId digest = 0;
  EXPECT_EQ(scheduler.free_slots(), 0u);
  scheduler.add_runner(1, {&digest, 1});
  scheduler.add_runner(2, {&digest, 1});
  EXPECT_EQ(scheduler.free_slots(), 4u);
  scheduler.enqueue(7, digest, 1);
  const RunnerId busy = scheduler.next()->runner;
  EXPECT_EQ(scheduler.free_slots(), 3u);
  scheduler.close_runner(busy);
  EXPECT_EQ(scheduler.free_slots(), 2u);
  scheduler.release(busy, 7);
  EXPECT_EQ(scheduler.free_slots(), 2u) << "a closed one gets no call";
  scheduler.remove_runner(3 - busy);
  EXPECT_EQ(scheduler.free_slots(), 0u);
}

TEST(Scheduler, CountsAUsedSingleUseRunnerAsFull) {
  Scheduler scheduler({.capacity = 5, .single_use = true});
  const DigestId digest = 0;
  scheduler.add_runner(1, {&digest, 1});
  EXPECT_EQ(scheduler.free_slots(), 1u);
  scheduler.enqueue(7, digest, 1);
  EXPECT_TRUE(scheduler.next());
  scheduler.release(1, 7);
  EXPECT_EQ(scheduler.free_slots(), 0u);
}

}  // namespace scheduler_test
}  // namespace flame::pool
