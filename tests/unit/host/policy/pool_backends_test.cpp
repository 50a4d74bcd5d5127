// PoolPolicy: several backends. Where boots go, what a failure there means, and how the pool comes home.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugin_sdk/base/make_error.hpp"
#include "tests/unit/host/policy/pool_scenario.hpp"

namespace flame::pool {
namespace pool_backends_test {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// A pool with two backends, of which the host counts the machines.
class PoolBackends : public testing::Test {
 protected:
  static PoolConfig config(std::uint32_t min = 0) {
    PoolConfig config = pool_config(min, 4, 1);
    config.backend = {"near", "far"};
    return config;
  }
  /// Feeds it, and counts the machines that it has asked for.
  PoolScenario& feed(const Event& event) { return count(pool_.feed(event)); }
  PoolScenario& submit(CallId call) { return feed(event::Submit{.call = call, .digest = PoolScenario::kPlugin}); }
  PoolScenario& pass(Duration time) { return count(pool_.pass(time)); }
  PoolScenario& fail(RunnerId runner, Remedy remedy, const std::string& message, Duration retry_after = {}) {
    return feed(event::BootFailed{runner, base::make_error(ErrorCode::boot_failed, message), remedy, retry_after});
  }
  /// Where the last event has sent boots.
  [[nodiscard]] std::vector<std::string> boots() const {
    std::vector<std::string> boots;
    for (const auto& boot : pool_.all<action::Boot>())
      boots.push_back(std::to_string(boot.runner) + " " + pool_.policy.placement().name(boot.backend));
    return boots;
  }

  BackendRoom room_;
  PoolScenario pool_{config(), {.room = &room_}};

 private:
  PoolScenario& count(PoolScenario& pool) {
    for (const auto& boot : pool.all<action::Boot>()) room_.taken(pool.policy.placement().name(boot.backend));
    return pool;
  }
};

TEST_F(PoolBackends, AreFilledInOrder) {
  room_.limit("near", 2);
  submit(1);
  EXPECT_THAT(boots(), ElementsAre("1 near"));
  submit(2);
  EXPECT_THAT(boots(), ElementsAre("2 near"));
  submit(3);
  EXPECT_THAT(boots(), ElementsAre("3 far"));
  EXPECT_EQ(pool_.policy.runner_views(pool_.now)[2].backend, 1U);
}

TEST(PoolOfTwoBackends, FillsThemWithinOneStep) {
  BackendRoom room;
  room.limit("near", 2);
  PoolConfig config = pool_config(3, 4, 1);
  config.backend = {"near", "far"};
  PoolScenario pool(config, {.room = &room});
  const auto boots = pool.all<action::Boot>();
  ASSERT_EQ(boots.size(), 3U);
  EXPECT_EQ(boots[1].backend, 0U);
  EXPECT_EQ(boots[2].backend, 1U) << "the first two are not counted yet";
}

TEST_F(PoolBackends, AreWaitedForWhenAllAreFull) {
  room_.limit("near", 1);
  room_.limit("far", 0);
  submit(1);
  submit(2);
  EXPECT_THAT(boots(), IsEmpty());
  EXPECT_EQ(pool_.policy.stats().boots_failed, 0U);
  pass(3s);
  EXPECT_THAT(boots(), IsEmpty());
  room_.limit("far", 1);
  pass(0s);
  EXPECT_THAT(boots(), ElementsAre("2 far")) << "the next event finds that there is room";
}

TEST_F(PoolBackends, ThatHaveNoRoomSendABootOnAndItHasNotFailed) {
  submit(1);
  fail(1, Remedy::elsewhere, "no capacity in ams", 10s);
  ASSERT_THAT(boots(), ElementsAre("1 far")) << "the same runner";
  EXPECT_EQ(pool_.all<action::Boot>()[0].sent_on, "no capacity in ams");
  EXPECT_THAT(pool_.all<action::Boot>()[0].digests, ElementsAre(PoolScenario::kPlugin));
  EXPECT_EQ(pool_.count<action::Callback>() + pool_.count<action::Complete>() + pool_.count<action::Destroy>(), 0U);
  EXPECT_EQ(pool_.policy.stats().boots_failed, 0U);
  EXPECT_EQ(pool_.policy.stats().boots, 1U);
  submit(2);
  EXPECT_THAT(boots(), ElementsAre("2 far")) << "the first one is waited out";
  pass(10s);
  submit(3);
  EXPECT_THAT(boots(), ElementsAre("3 near"));
}

TEST_F(PoolBackends, GiveABootThatIsSentOnItsWholeTime) {
  submit(1);
  pass(20s);
  fail(1, Remedy::elsewhere, "no capacity");
  pass(9s);
  feed(event::Submit{.call = 2, .digest = PoolScenario::kPlugin, .budget = 1min});
  pass(20s);
  EXPECT_EQ(pool_.policy.stats().boots_failed, 0U);
  pass(1s);
  EXPECT_EQ(pool_.policy.stats().boots_failed, 1U) << "boot_timeout after it was asked of the second";
}

TEST_F(PoolBackends, ThatAllHaveNoRoomHaveFailedTheBootAndWaitersGoOnWaiting) {
  submit(1);
  fail(1, Remedy::elsewhere, "no capacity");
  fail(1, Remedy::elsewhere, "quota reached");
  EXPECT_THAT(boots(), IsEmpty());
  ASSERT_EQ(pool_.count<action::Callback>(), 1U);
  EXPECT_EQ(pool_.all<action::Callback>()[0].error->message, "quota reached");
  EXPECT_EQ(pool_.policy.stats().boots_failed, 1U);
  EXPECT_EQ(pool_.count<action::Complete>(), 0U) << "it may have room soon";
  EXPECT_THAT(pool_.policy.placement().last_failure(pool_.now)->message,
              AllOf(HasSubstr("near\": no capacity"), HasSubstr("far\": quota reached")));
  pass(1250ms);
  EXPECT_EQ(boots().size(), 1U);
}

TEST_F(PoolBackends, DoNotGetABootThatNobodyNeedsAnyMore) {
  submit(1);
  feed(event::Cancel{1, wire::CancelReason::cancelled});
  fail(1, Remedy::elsewhere, "no capacity");
  EXPECT_THAT(boots(), IsEmpty());
  EXPECT_EQ(pool_.count<action::Callback>(), 1U) << "it has begun to grow, and that has an end";
}

TEST_F(PoolBackends, StepInAtOnceForOneThatFails) {
  submit(1);
  fail(1, Remedy::retry, "no network");
  EXPECT_THAT(boots(), ElementsAre("2 far"));
  EXPECT_EQ(pool_.policy.stats().boots_failed, 1U);
  pass(30s - 1ms);
  fail(2, Remedy::retry, "no network");
  EXPECT_THAT(boots(), ElementsAre("3 near"));
}

TEST_F(PoolBackends, TellWaitersWhenAllHaveSaidThatBootsFailForGood) {
  submit(1);
  fail(1, Remedy::permanent, "no such image");
  EXPECT_EQ(pool_.count<action::Complete>(), 0U) << "the other can serve it";
  EXPECT_THAT(boots(), ElementsAre("2 far"));
  fail(2, Remedy::permanent, "the token is invalid");
  ASSERT_EQ(pool_.failure(1), ErrorCode::boot_failed);
  EXPECT_THAT(pool_.all<action::Complete>()[0].error->message,
              AllOf(HasSubstr("near\": no such image"), HasSubstr("far\": the token is invalid")));
  EXPECT_EQ(submit(2).failure(2), ErrorCode::boot_failed);
}

TEST_F(PoolBackends, DoNotTellWaitersOfAnotherBackendsFullness) {
  submit(1);
  fail(1, Remedy::elsewhere, "no capacity");
  fail(1, Remedy::permanent, "the token is invalid");
  EXPECT_EQ(pool_.count<action::Complete>(), 0U) << "the first may have room soon";
}

TEST_F(PoolBackends, DoNotTellCallersOfOneWithoutRoomWhileAnotherIsLeft) {
  feed(event::Submit{.call = 1, .digest = PoolScenario::kPlugin, .budget = 20s});
  fail(1, Remedy::elsewhere, "no capacity", 1min);
  EXPECT_FALSE(pool_.policy.placement().last_failure(pool_.now));
  feed(event::BootReached{1, BootPhase::queued, "priority"});
  pass(20s);
  ASSERT_EQ(pool_.failure(1), ErrorCode::queue_timed_out);
  const std::string message = pool_.all<action::Complete>()[0].error->message;
  EXPECT_THAT(message, HasSubstr("a machine is queued for since 20 s (backend \"far\": priority)"));
  EXPECT_THAT(message, testing::Not(HasSubstr("no capacity")));
}

TEST_F(PoolBackends, SendABootOnThatIsForAVersionOnly) {
  feed(event::Prepare{.digest = 1, .replaces = PoolScenario::kPlugin});
  ASSERT_THAT(boots(), ElementsAre("1 near"));
  fail(1, Remedy::elsewhere, "no capacity");
  EXPECT_THAT(boots(), ElementsAre("1 far"));
  EXPECT_EQ(pool_.policy.stats().boots_failed, 0U);
}

TEST(PoolOfOneBackend, TellsWaitersThatBootsFailForGoodThoughTheLastOfThemFailsOtherwise) {
  PoolScenario pool(pool_config(0, 2, 1));
  pool.submit(1).submit(2);
  pool.feed(event::BootFailed{1, {.message = "no such image"}, Remedy::permanent});
  EXPECT_EQ(pool.count<action::Complete>(), 0U) << "the other may boot";
  pool.feed(event::BootFailed{2, {.message = "reset"}});
  ASSERT_EQ(pool.failure(1), ErrorCode::boot_failed);
  EXPECT_EQ(pool.failure(2), ErrorCode::boot_failed);
  EXPECT_EQ(pool.all<action::Complete>()[0].error->message, "no such image");
}

TEST_F(PoolBackends, AreNotWaitedOutTogether) {
  submit(1);
  fail(1, Remedy::retry, "no network");
  pool_.hello(2);
  EXPECT_EQ(pool_.sent(), std::vector<CallId>{1});
  submit(2);
  EXPECT_THAT(boots(), ElementsAre("3 far")) << "a success of one does not end the other's back-off";
}

TEST_F(PoolBackends, AreLeasedInOrder) {
  room_.limit("near", 1);
  for (CallId call = 1; call <= 2; ++call) submit(call);
  pool_.hello(2);
  pool_.hello(1);
  EXPECT_EQ(pool_.where.at(1), 2U) << "it was there first";
  pool_.finish(1);
  pool_.finish(2);
  submit(3);
  EXPECT_EQ(pool_.where.at(3), 1U);
}

TEST(PoolOfTwoBackends, ComesHomeWhenItIsIdle) {
  BackendRoom room;
  PoolConfig config = pool_config(1, 4, 1);
  config.backend = {"near", "far"};
  PoolScenario pool(config, {.room = &room});
  room.limit("near", 1);
  room.taken("near");
  pool.submit(1).submit(2).hello(1).hello(2).finish(1).finish(2);
  ASSERT_EQ(pool.policy.runner_views(pool.now)[1].backend, 1U);
  pool.pass_alive(30s, {1, 2});
  const auto asks = [&](RunnerId runner) {
    pool.feed(event::Retire{.runner = runner, .last_seq = 1, .sent_seq = 1});
    return pool.all<action::RetireReply>().at(0).granted;
  };
  EXPECT_FALSE(asks(1)) << "the one that is far away goes first";
  EXPECT_TRUE(asks(2));
  EXPECT_FALSE(asks(1)) << "min";
}

TEST(PoolOfTwoBackends, LetsBothGoWhereNothingKeepsThem) {
  BackendRoom room;
  PoolConfig config = pool_config(0, 4, 1);
  config.backend = {"near", "far"};
  PoolScenario pool(config, {.room = &room});
  room.limit("near", 0);
  pool.submit(1);
  room.limit("near", 1);
  pool.submit(2).hello(1).hello(2).finish(1).finish(2);
  ASSERT_EQ(pool.policy.runner_views(pool.now)[1].backend, 0U);
  pool.pass_alive(30s, {1, 2});
  pool.feed(event::Retire{.runner = 2, .last_seq = 1, .sent_seq = 1});
  EXPECT_TRUE(pool.all<action::RetireReply>().at(0).granted);
}

TEST(PoolOfTwoBackends, ShrinksFromTheLastOne) {
  BackendRoom room;
  PoolConfig config = pool_config(0, 4, 1);
  config.backend = {"near", "far"};
  PoolScenario pool(config, {.room = &room});
  room.limit("near", 0);
  pool.submit(1);
  room.limit("near", 4);
  pool.submit(2).hello(1).hello(2).finish(1).finish(2);
  pool.feed(event::Resize{0, 1});
  ASSERT_EQ(pool.count<action::DrainRunner>(), 1U);
  EXPECT_EQ(pool.all<action::DrainRunner>()[0].runner, 1U) << "not the newest: the one that is far away";
}

}  // namespace pool_backends_test
}  // namespace flame::pool
