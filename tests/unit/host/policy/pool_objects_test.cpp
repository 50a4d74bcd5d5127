// PoolPolicy: leases that outlive their call, and the calls that go to their slots.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugin_sdk/base/make_error.hpp"
#include "tests/unit/host/policy/pool_scenario.hpp"

namespace flame::pool {
namespace pool_objects_test {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class PoolObjects : public testing::Test {
 protected:
  static PoolConfig config(std::uint32_t concurrency = 2) {
    PoolConfig config;
    config.backend = {"local"};
    config.max = 1;
    config.max_concurrency = concurrency;
    config.max_queue = 2;
    return config;
  }
  /// Call 1 has left objects 5 and 6 on runner 1.
  void hold(PoolConfig settings = config()) {
    pool.emplace(settings);
    pool->submit(1);
    pool->hello(1);
    pool->feed(event::Result{1, 1, std::nullopt, {5, 6}});
  }
  PoolScenario& call(CallId id, std::optional<Duration> budget = {}) {
    return pool->feed(event::Submit{.call = id, .digest = 0, .budget = budget, .lease = 1});
  }
  PoolScenario& end(CallId id, std::optional<Error> error = {}) { return pool->feed(event::Ended{1, id, error}); }
  std::string message_of(CallId call) const {
    for (const auto& complete : pool->all<action::Complete>())
      if (complete.call == call && complete.error) return complete.error->message;
    return {};
  }
  std::vector<CallId> cancelled() const {
    std::vector<CallId> calls;
    for (const auto& cancel : pool->all<action::CancelRemote>()) calls.push_back(cancel.call);
    return calls;
  }
  std::optional<PoolScenario> pool;
};

TEST_F(PoolObjects, AResultThatNamesObjectsKeepsItsLease) {
  hold();
  EXPECT_EQ(pool->count<action::Complete>(), 1u);
  EXPECT_EQ(pool->policy.stats().slots_busy, 1u);
  EXPECT_EQ(pool->policy.stats().slots_held, 1u);
  EXPECT_FALSE(pool->feed(event::Retire{1, 9, 1}).all<action::RetireReply>().at(0).granted);
  EXPECT_EQ(end(1).count<action::LeaseEnded>(), 1u);
  EXPECT_EQ(pool->policy.stats().slots_busy, 0u);
  EXPECT_EQ(pool->policy.stats().slots_held, 0u);
  EXPECT_TRUE(pool->feed(event::Retire{1, 9, 1}).all<action::RetireReply>().at(0).granted);
}

TEST_F(PoolObjects, CallsOnObjectsNeedNoSlotAndTakeTurns) {
  hold(config(1));
  EXPECT_THAT(call(2).sent(), ElementsAre(2));
  EXPECT_THAT(call(3).sent(), ElementsAre());
  EXPECT_EQ(pool->policy.stats().waiting, 1u);
  pool->feed(event::Result{1, 2, std::nullopt, {}});
  EXPECT_EQ(pool->count<action::Complete>(), 1u);
  EXPECT_THAT(end(2).sent(), ElementsAre(3));
  EXPECT_EQ(pool->policy.stats().slots_busy, 1u) << "the lease itself";
  EXPECT_EQ(pool->count<action::Boot>(), 0u) << "they are no reason to grow";
}

TEST_F(PoolObjects, AsManyMayWaitForOneSlotAsMaxQueueSays) {
  hold();
  for (CallId id : {2U, 3U, 4U}) call(id);
  EXPECT_EQ(call(5).failure(5), ErrorCode::queue_full);
}

TEST_F(PoolObjects, ACallWhoseTurnDoesNotComeHarmsNothing) {
  hold();
  call(2);
  call(3, 100ms);
  EXPECT_EQ(pool->pass(100ms).failure(3), ErrorCode::queue_timed_out);
  EXPECT_THAT(cancelled(), ElementsAre());
  EXPECT_THAT(call(4).actions, ::testing::IsEmpty());
  EXPECT_THAT(end(2).sent(), ElementsAre(4));
}

TEST_F(PoolObjects, ACallThatTimesOutBeforeItHasLeftTheHostHarmsNobody) {
  hold();
  call(2, 100ms);
  call(3);
  EXPECT_EQ(pool->pass(100ms).failure(2), ErrorCode::timed_out);
  EXPECT_THAT(end(2).sent(), ElementsAre(3)) << "it was withdrawn from the queue";
  EXPECT_THAT(cancelled(), ElementsAre());
}

// Its arguments go with the answer: it must not be sent without them.
TEST_F(PoolObjects, ACallThatMayNotHaveLeftTheHostIsTakenBackWhenItsObjectEnds) {
  hold();
  EXPECT_THAT(call(2).sent(), ElementsAre(2));
  end(1, base::make_error(ErrorCode::crashed, "boom"));
  EXPECT_EQ(pool->failure(2), ErrorCode::runner_lost);
  EXPECT_EQ(pool->all<action::Withdraw>().at(0).call, 2u);
  EXPECT_THAT(cancelled(), ElementsAre()) << "its caller has not given it up";
  EXPECT_EQ(end(2).count<action::Complete>(), 0u) << "it was still in the queue";
}

TEST_F(PoolObjects, ACallThatTimesOutDoomsTheLease) {
  hold();
  call(2, 100ms);
  call(3);
  pool->pass(100ms);
  EXPECT_EQ(pool->failure(2), ErrorCode::timed_out);
  EXPECT_THAT(cancelled(), ElementsAre(2));
  EXPECT_EQ(pool->all<action::CancelRemote>().at(0).lease, 1u);
  pool->feed(event::DeadlinePassed{1});
  EXPECT_THAT(cancelled(), ElementsAre(1)) << "then all that is there";
  EXPECT_EQ(pool->failure(3), ErrorCode::runner_lost);
  EXPECT_EQ(call(4).failure(4), ErrorCode::runner_lost);
  EXPECT_THAT(message_of(4), HasSubstr("past its deadline"));
  EXPECT_EQ(pool->policy.stats().slots_busy, 1u) << "until the slot has ended";
  end(2);
  EXPECT_EQ(end(1, base::make_error(ErrorCode::timed_out, "boom")).all<action::LeaseEnded>().at(0).error->code,
            ErrorCode::timed_out);
  EXPECT_EQ(pool->policy.stats().slots_busy, 0u);
}

TEST_F(PoolObjects, ACancelledCallDoesNotDoomIt) {
  hold();
  call(2);
  call(3);
  pool->feed(event::Cancel{2});
  EXPECT_THAT(cancelled(), ElementsAre(2));
  EXPECT_THAT(end(2).sent(), ElementsAre(3));
}

TEST_F(PoolObjects, CallsAreNeverRetried) {
  hold();
  pool->feed(event::Submit{.call = 2, .digest = 0, .retries = 3, .idempotent = true, .lease = 1});
  EXPECT_EQ(pool->feed(event::Result{1, 2, base::make_error(ErrorCode::crashed, "boom"), {}}).failure(2),
            ErrorCode::crashed);
}

TEST_F(PoolObjects, ReleasesAndStopsGoToTheRunner) {
  hold();
  const auto released = pool->feed(event::Release{1, 5}).all<action::ReleaseObjects>();
  ASSERT_EQ(released.size(), 1u);
  EXPECT_EQ(released[0].runner, 1u);
  EXPECT_THAT(released[0].objects, ElementsAre(5));
  EXPECT_EQ(pool->feed(event::Release{9, 5}).actions.size(), 0u);
  pool->feed(event::EndLease{1});
  EXPECT_THAT(cancelled(), ElementsAre(1));
  EXPECT_EQ(call(2).failure(2), ErrorCode::runner_lost);
  end(1);
  EXPECT_EQ(pool->feed(event::EndLease{1}).actions.size(), 0u);
}

TEST_F(PoolObjects, ObjectsThatNobodyWaitsForAreLetGo) {
  pool.emplace(config());
  pool->submit(1);
  pool->hello(1);
  pool->feed(event::Cancel{1});
  pool->feed(event::Result{1, 1, std::nullopt, {5}});
  EXPECT_THAT(cancelled(), ElementsAre(1));
  EXPECT_EQ(end(1).count<action::LeaseEnded>(), 1u);
  EXPECT_EQ(pool->policy.stats().slots_busy, 0u);
}

TEST_F(PoolObjects, OfACallInAHeldSlotOnlyTheNewOnesAreLetGo) {
  hold();
  call(2);
  pool->feed(event::Cancel{2});
  const auto released = pool->feed(event::Result{1, 2, std::nullopt, {7}}).all<action::ReleaseObjects>();
  ASSERT_EQ(released.size(), 1u);
  EXPECT_EQ(released[0].lease, 1u);
  EXPECT_THAT(released[0].objects, ElementsAre(7));
}

TEST_F(PoolObjects, ResultsOfOthersHoldNothing) {
  hold();
  pool->feed(event::Result{1, 99, std::nullopt, {1}});
  EXPECT_EQ(pool->actions.size(), 0u);
  pool->feed(event::Result{1, 1, std::nullopt, {8}});
  EXPECT_THAT(cancelled(), ElementsAre(1)) << "a second result of a call means its runner is wrong about what it holds";
  EXPECT_EQ(pool->policy.stats().slots_held, 1u);
}

TEST_F(PoolObjects, ThatAreLeftWhenTheirRunnerMayGoAlreadyTakeNoCalls) {
  pool.emplace(config());
  pool->submit(1).hello(1).feed(event::Retire{.runner = 1, .must = true});
  EXPECT_TRUE(pool->all<action::RetireReply>().at(0).granted);
  pool->feed(event::Result{1, 1, std::nullopt, {5}});
  EXPECT_EQ(pool->failure(1), ErrorCode::none);
  EXPECT_EQ(call(2).failure(2), ErrorCode::runner_lost);
  EXPECT_THAT(message_of(2), HasSubstr("its runner is ending"));
}

TEST_F(PoolObjects, ALostRunnerEndsItsLeasesAndWhoCallsThere) {
  hold();
  call(2);
  call(3);
  pool->feed(event::RunnerLost{1, "power cut"}).pass(RunnerState::kReasonGrace);
  EXPECT_EQ(pool->failure(2), ErrorCode::runner_lost);
  EXPECT_EQ(pool->failure(3), ErrorCode::runner_lost);
  EXPECT_THAT(message_of(3), HasSubstr("power cut"));
  ASSERT_EQ(pool->count<action::LeaseEnded>(), 1u);
  EXPECT_EQ(pool->all<action::LeaseEnded>()[0].error->code, ErrorCode::runner_lost);
  EXPECT_EQ(call(4).failure(4), ErrorCode::runner_lost);
  EXPECT_EQ(pool->policy.stats().waiting + pool->policy.stats().slots_held, 0u);
}

TEST_F(PoolObjects, ARunnerThatMustGoTakesNoMoreCallsOnItsObjects) {
  hold();
  call(2);
  call(3);
  pool->feed(event::Retire{1, 2, 2, true});
  EXPECT_TRUE(pool->all<action::RetireReply>().at(0).granted);
  EXPECT_EQ(pool->failure(3), ErrorCode::runner_lost);
  EXPECT_EQ(call(4).failure(4), ErrorCode::runner_lost);
  pool->feed(event::Result{1, 2, std::nullopt, {}});
  EXPECT_EQ(pool->count<action::Complete>(), 1u) << "what runs may end";
  EXPECT_EQ(end(2).sent().size(), 0u);
}

TEST_F(PoolObjects, ADrainWaitsForCallsNotForObjects) {
  hold();
  call(2);
  pool->feed(event::Drain{10s});
  EXPECT_EQ(pool->count<action::DrainRunner>(), 0u);
  EXPECT_EQ(call(3).failure(3), ErrorCode::shutting_down);
  pool->feed(event::Result{1, 2, std::nullopt, {}});
  EXPECT_EQ(pool->count<action::DrainRunner>(), 1u);
  end(2);
  end(1, base::make_error(ErrorCode::shutting_down, "boom"));
  EXPECT_EQ(pool->feed(event::RunnerLost{1, "bye"}).count<action::Drained>(), 1u);
}

TEST_F(PoolObjects, ASingleUseRunnerIsUsedByTheLeaseAndItsCalls) {
  PoolConfig settings = config();
  settings.single_use = true;
  hold(settings);
  EXPECT_THAT(call(2).sent(), ElementsAre(2));
  EXPECT_EQ(end(2).count<action::DrainRunner>(), 0u);
  EXPECT_EQ(end(1).count<action::DrainRunner>(), 1u);
}

}  // namespace pool_objects_test
}  // namespace flame::pool
