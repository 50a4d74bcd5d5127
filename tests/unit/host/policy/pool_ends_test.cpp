// PoolPolicy: machines that end at a known time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "tests/unit/host/policy/pool_scenario.hpp"

namespace flame::pool {
namespace pool_ends_test {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

/// Calls of this pool may take 30 s by themselves; runners get 30 s to end.
class PoolEnds : public testing::Test {
 protected:
  static PoolConfig config(const std::vector<std::string>& backends) {
    PoolConfig config = pool_config(0, 3, 1);
    config.backend = backends;
    return config;
  }
  PoolScenario& submit(CallId call, Duration budget) {
    return pool_.feed(event::Submit{.call = call, .digest = PoolScenario::kPlugin, .budget = budget});
  }
  /// The runner dials in, and its machine ends in so long.
  PoolScenario& boot(RunnerId runner, Duration ends_in) {
    return pool_.feed(event::BootOk{runner}).feed(event::MachineEnds{runner, ends_in, true}).hello(runner);
  }
  PoolScenario& notice(RunnerId runner, Duration left) { return pool_.feed(event::MachineEnds{runner, left}); }

  PoolScenario pool_{config({"slurm"})};
};

TEST_F(PoolEnds, ARunnerDrainsForShutdownTimeoutBeforeItsMachineEnds) {
  submit(1, 20s);
  boot(1, 10min);
  pool_.finish(1);
  EXPECT_EQ(pool_.policy.runner_views(pool_.now).at(0).ends_in, 10min);
  EXPECT_EQ(pool_.pass_alive(9min + 29s, {1}).count<action::DrainRunner>(), 0U);
  pool_.pass_alive(1s, {1});
  ASSERT_EQ(pool_.count<action::DrainRunner>(), 1U);
  EXPECT_EQ(pool_.all<action::DrainRunner>()[0].grace, 30s);
  EXPECT_EQ(submit(2, 20s).count<action::Boot>(), 1U) << "no further call goes there";
}

TEST_F(PoolEnds, ANoticeReplacesTheEndThatWasKnown) {
  submit(1, 20s);
  boot(1, 10min);
  pool_.finish(1);
  notice(1, 2min);
  EXPECT_EQ(pool_.pass_alive(89s, {1}).count<action::DrainRunner>(), 0U);
  EXPECT_EQ(pool_.pass_alive(1s, {1}).count<action::DrainRunner>(), 1U);
}

TEST_F(PoolEnds, ANoticeThatIsShorterThanShutdownTimeoutDrainsAtOnceForWhatIsLeft) {
  submit(1, 20s);
  boot(1, kForever);
  notice(1, 5s);
  ASSERT_EQ(pool_.count<action::DrainRunner>(), 1U);
  EXPECT_EQ(pool_.all<action::DrainRunner>()[0].grace, 5s);
}

TEST_F(PoolEnds, ACallGoesOnlyWhereItsLimitEndsInTime) {
  submit(1, 20s);
  boot(1, 2min);
  pool_.finish(1).pass_alive(30s, {1});
  EXPECT_EQ(submit(2, 90s).sent(), std::vector<CallId>{2}) << "just in time";
  pool_.finish(2);
  submit(3, 91s);
  EXPECT_TRUE(pool_.sent().empty());
  ASSERT_EQ(pool_.count<action::Boot>(), 1U) << "for a machine that is fresh";
  EXPECT_EQ(submit(4, 10s).sent(), std::vector<CallId>{4}) << "it does not wait behind the other";
  EXPECT_EQ(boot(2, 2min).sent(), std::vector<CallId>{3});
}

TEST_F(PoolEnds, ACallWithoutALimitOfItsOwnMayTakeThePoolsTimeout) {
  submit(1, 20s);
  boot(1, 2min);
  pool_.finish(1).pass_alive(85s, {1});
  EXPECT_EQ(pool_.feed(event::Submit{.call = 2, .digest = PoolScenario::kPlugin}).sent(), std::vector<CallId>{2});
}

TEST_F(PoolEnds, ACallWithoutALimitGoesToAMachineThatEndsOnlyWhereThePoolHasNoOthers) {
  submit(1, 20s);
  boot(1, 10min);
  pool_.finish(1);
  EXPECT_EQ(submit(2, kForever).sent(), std::vector<CallId>{2});
}

TEST_F(PoolEnds, AChildIsPlacedLikeACallWithoutALimit) {
  pool_ = PoolScenario(config({"slurm", "fly"}));
  submit(1, 20s);
  boot(1, 10min);
  pool_.finish(1);
  pool_.feed(event::Submit{.call = 2, .digest = PoolScenario::kPlugin, .budget = 20s, .child = true});
  EXPECT_TRUE(pool_.sent().empty()) << "it lives on when its call has ended";
  ASSERT_EQ(pool_.count<action::Boot>(), 1U);
  EXPECT_EQ(pool_.all<action::Boot>()[0].backend, 1U);
  EXPECT_EQ(pool_.hello(2).sent(), std::vector<CallId>{2});
}

TEST_F(PoolEnds, ACallThatWouldOutliveEveryMachineFailsAtOnce) {
  submit(1, 20s);
  EXPECT_EQ(submit(2, 1h).failure(2), ErrorCode::none) << "nothing is known yet";
  boot(1, 10min);
  EXPECT_EQ(submit(3, 11min).failure(3), ErrorCode::invalid_argument);
  EXPECT_THAT(pool_.all<action::Complete>().at(0).error->message, HasSubstr("660.0 s"));
  EXPECT_EQ(submit(4, 10min).failure(4), ErrorCode::none);
}

TEST_F(PoolEnds, ACallThatWaitsAndWouldOutliveEveryMachineFailsWhenThatBecomesKnown) {
  submit(1, 20s);
  submit(2, 1h);
  EXPECT_EQ(pool_.feed(event::BootOk{1}).feed(event::MachineEnds{1, 10min, true}).failure(2),
            ErrorCode::invalid_argument);
  EXPECT_EQ(pool_.failure(1), ErrorCode::none);
  EXPECT_EQ(pool_.hello(1).sent(), std::vector<CallId>{1});
}

/// Boots what is asked for, with runners that dial in after 2 s on machines that live for so long; counts them.
class Engine {
 public:
  explicit Engine(Duration lifetime) : lifetime_(lifetime) {}

  void run(PoolScenario& pool, Duration time) {
    for (const Instant end = pool.now + time; pool.now < end;) {
      pool.now += 1s;
      feed(pool, event::Tick{});
      for (const RunnerId runner : std::exchange(up_, {})) {
        if (gone_.contains(runner)) continue;
        feed(pool, event::Heard{runner});
        up_.push_back(runner);
      }
      for (const auto& [runner, asked] : std::exchange(asked_, {})) {
        if (gone_.contains(runner)) continue;
        if (asked == pool.now - 1s) feed(pool, event::BootOk{runner});
        if (asked == pool.now - 1s) feed(pool, event::MachineEnds{runner, lifetime_, true});
        if (asked < pool.now - 2s) {
          feed(pool, event::RunnerHello{runner, {{PoolScenario::kPlugin, std::nullopt}}});
          up_.push_back(runner);
        } else {
          asked_.emplace(runner, asked);
        }
      }
    }
  }
  void feed(PoolScenario& pool, const Event& event) {
    pool.feed(event);
    carry_out(pool);
  }
  void carry_out(PoolScenario& pool) {
    for (const auto& boot : pool.all<action::Boot>()) {
      asked_.emplace(boot.runner, pool.now);
      ++machines_;
    }
    for (const auto& complete : pool.all<action::Complete>())
      if (complete.error) errors_[complete.call] = *complete.error;
    std::vector<RunnerId> leave;
    for (const auto& drain : pool.all<action::DrainRunner>()) leave.push_back(drain.runner);
    for (const auto& destroy : pool.all<action::Destroy>()) gone_.insert(destroy.runner);
    for (const RunnerId runner : leave) {
      gone_.insert(runner);
      feed(pool, event::RunnerLost{runner, "it ends", true});
    }
  }
  [[nodiscard]] std::size_t machines() const { return machines_; }
  [[nodiscard]] const std::map<CallId, Error>& errors() const { return errors_; }

 private:
  Duration lifetime_;
  std::size_t machines_ = 0;
  std::map<RunnerId, Instant> asked_;
  std::vector<RunnerId> up_;
  std::set<RunnerId> gone_;
  std::map<CallId, Error> errors_;
};

TEST_F(PoolEnds, NoMachinesAreBoughtForCallsThatMayTakeAsLongAsMachinesLive) {
  PoolConfig config = PoolEnds::config({"slurm"});
  config.timeout = 1h;
  pool_ = PoolScenario(config);
  Engine engine(1h);
  for (CallId call = 1; call <= 100; ++call) {
    engine.feed(pool_, event::Submit{.call = call, .digest = PoolScenario::kPlugin});
    engine.run(pool_, 10s);
    ASSERT_TRUE(engine.errors().contains(call)) << call;
    EXPECT_EQ(engine.errors().at(call).code, ErrorCode::invalid_argument);
    EXPECT_THAT(engine.errors().at(call).message, HasSubstr("give it a shorter timeout"));
  }
  EXPECT_EQ(engine.machines(), 1U);
}

TEST_F(PoolEnds, NoMachinesAreBoughtThatLiveNoLongerThanShutdownTimeout) {
  for (const std::uint32_t min : {0U, 2U}) {
    PoolConfig config = PoolEnds::config({"slurm"});
    config.min = min;
    config.shutdown_timeout = 10min;
    Engine engine(10min);
    pool_ = PoolScenario(config);
    engine.carry_out(pool_);
    for (CallId call = 1; call <= 100; ++call) {
      engine.feed(pool_, event::Submit{.call = call, .digest = PoolScenario::kPlugin});
      engine.run(pool_, 40s);
      ASSERT_TRUE(engine.errors().contains(call)) << call;
      EXPECT_EQ(engine.errors().at(call).code, ErrorCode::boot_failed);
      EXPECT_THAT(engine.errors().at(call).message, HasSubstr("Lower shutdown_timeout"));
    }
    EXPECT_LE(pool_.policy.stats().boots, 3U) << "that is max";
    EXPECT_TRUE(pool_.policy.placement().last_failure(pool_.now));
  }
}

TEST_F(PoolEnds, FewMachinesAreBoughtThatTakeTheirLifeToBoot) {
  PoolConfig config = PoolEnds::config({"slurm"});
  config.min = 1;
  Engine engine(31s);
  pool_ = PoolScenario(config);
  engine.carry_out(pool_);
  for (CallId call = 1; call <= 100; ++call) {
    engine.feed(pool_, event::Submit{.call = call, .digest = PoolScenario::kPlugin, .budget = 20s});
    engine.run(pool_, 40s);
    ASSERT_TRUE(engine.errors().contains(call)) << call;
  }
  EXPECT_THAT(engine.errors().at(100).message, HasSubstr("Lower shutdown_timeout"));
  EXPECT_LE(pool_.policy.stats().boots, 12U);
}

TEST_F(PoolEnds, OneMachineThatIsAboutToEndKeepsNoOtherFromBooting) {
  submit(1, 20s);
  boot(1, kForever);
  submit(2, 20s);
  pool_.hello(2).feed(event::BootOk{2}).feed(event::MachineEnds{2, 5s, true});
  EXPECT_EQ(pool_.count<action::DrainRunner>(), 1U);
  EXPECT_EQ(submit(3, 1h).count<action::Boot>(), 1U) << "the next need not be like it";
  EXPECT_EQ(pool_.failure(3), ErrorCode::none);
}

TEST_F(PoolEnds, FewMachinesAreBoughtThatOthersEndAtOnce) {
  submit(1, 1h);
  std::uint64_t boots = 0;
  for (RunnerId runner = 1; pool_.now < Instant(1h + 10min);) {
    if (pool_.policy.stats().booting == 0) {
      pool_.pass(1s);
      continue;
    }
    boot(runner, kForever);
    notice(runner, 10s);
    pool_.feed(event::RunnerLost{runner++, "it ends"});
    ++boots;
  }
  EXPECT_LE(boots, 30U) << "it is waited out, longer each time";
}

TEST_F(PoolEnds, ABackendThatDoesNotBootKeepsNoCallFromMachinesThatEnd) {
  pool_ = PoolScenario(config({"slurm", "fly"}));
  submit(1, 20s);
  boot(1, 1h);
  pool_.finish(1);
  submit(2, kForever);
  ASSERT_EQ(pool_.count<action::Boot>(), 1U);
  EXPECT_EQ(pool_.all<action::Boot>()[0].backend, 1U) << "it may have machines without an end";
  pool_.feed(event::BootFailed{2, {.message = "the token is invalid"}, Remedy::permanent});
  EXPECT_EQ(pool_.sent(), std::vector<CallId>{2});
  pool_.finish(2);
  pool_.feed(event::Submit{.call = 3, .digest = PoolScenario::kPlugin, .child = true});
  EXPECT_EQ(pool_.sent(), std::vector<CallId>{3});
}

TEST_F(PoolEnds, AHelloWaitsUntilTheEndOfItsMachineIsKnown) {
  pool_ = PoolScenario(config({"slurm"}), {.ends_are_told = true});
  submit(1, 2h);
  submit(2, 20s);
  pool_.hello(1);
  EXPECT_EQ(pool_.actions.size(), 0U) << "and no other machine is asked for";
  EXPECT_EQ(pool_.hello(1).count<action::Reject>(), 1U) << "it has said hello";
  pool_.feed(event::BootOk{1});
  EXPECT_EQ(pool_.actions.size(), 0U);
  pool_.feed(event::MachineEnds{1, 1h, true});
  EXPECT_EQ(pool_.failure(1), ErrorCode::invalid_argument);
  EXPECT_EQ(pool_.count<action::Admit>(), 1U);
  EXPECT_EQ(pool_.sent(), std::vector<CallId>{2});
  pool_.finish(2);
}

TEST_F(PoolEnds, AHelloDoesNotWaitWhereMachinesHaveNoEnd) {
  pool_ = PoolScenario(config({"local"}), {.ends_are_told = true});
  submit(1, 2h);
  pool_.feed(event::MachineEnds{1, kForever, true});
  EXPECT_EQ(pool_.hello(1).sent(), std::vector<CallId>{1});
  submit(2, 2h);
  EXPECT_EQ(pool_.hello(2).sent(), std::vector<CallId>{2});
}

TEST_F(PoolEnds, ARunnerThatLeavesWhileItsHelloWaitsHasNotBooted) {
  pool_ = PoolScenario(config({"slurm"}), {.ends_are_told = true});
  submit(1, 20s);
  pool_.hello(1).feed(event::RunnerLost{1, "its connection ended"});
  EXPECT_EQ(pool_.policy.stats().boots_failed, 1U);
  EXPECT_EQ(pool_.feed(event::MachineEnds{1, 1h, true}).count<action::Admit>(), 0U);
}

TEST_F(PoolEnds, ABootForALongCallGoesToABackendWhoseMachinesLiveLongEnough) {
  pool_ = PoolScenario(config({"slurm", "fly"}));
  submit(1, 20s);
  boot(1, 10min);
  submit(2, 1h);
  ASSERT_EQ(pool_.count<action::Boot>(), 1U);
  EXPECT_EQ(pool_.all<action::Boot>()[0].backend, 1U);
  submit(3, 20s);
  ASSERT_EQ(pool_.count<action::Boot>(), 1U);
  pool_.finish(1);
  EXPECT_EQ(pool_.sent(), std::vector<CallId>{3}) << "the other one waits for its machine";
  EXPECT_EQ(pool_.hello(2).sent(), std::vector<CallId>{2});
}

/// Machines of "short" end, those of "big" do not, and "big" has no room now.
class PoolOfShortAndBig : public PoolEnds {
 protected:
  void SetUp() override {
    PoolConfig config = PoolEnds::config({"short", "big"});
    config.max_concurrency = 100;
    pool_ = PoolScenario(config, {.room = &room_});
    submit(1, 20s);
    boot(1, 1h);
    pool_.finish(1);
    pool_.feed(event::Retire{.runner = 1, .must = true}).feed(event::RunnerLost{1, "idle", true});
    pool_.feed(event::MachineExited{1, "exit code 0"});
    room_.limit("big", 0);
  }
  /// Where the last event has sent boots.
  [[nodiscard]] std::vector<BackendIndex> boots() const {
    std::vector<BackendIndex> backends;
    for (const auto& boot : pool_.all<action::Boot>()) backends.push_back(boot.backend);
    return backends;
  }
  static constexpr BackendIndex kShort = 0;
  static constexpr BackendIndex kBig = 1;

  BackendRoom room_;
};

TEST_F(PoolOfShortAndBig, CallsAreHelpedThatWaitBehindOneThatCannotBe) {
  submit(2, 2h);
  EXPECT_EQ(boots(), std::vector<BackendIndex>{}) << "none could serve it";
  submit(3, 10s);
  EXPECT_EQ(boots(), std::vector<BackendIndex>{kShort});
  EXPECT_EQ(boot(2, 1h).sent(), std::vector<CallId>{3});
  EXPECT_EQ(pool_.pass_alive(1min, {2}).count<action::Boot>(), 0U);
  room_.limit("big", 1);
  EXPECT_EQ(pool_.pass_alive(1s, {2}).count<action::Boot>(), 1U);
  EXPECT_EQ(pool_.hello(3).sent(), std::vector<CallId>{2});
}

TEST_F(PoolOfShortAndBig, MinIsKeptUpBehindACallThatCannotBeHelped) {
  submit(2, 2h);
  pool_.feed(event::Resize{2, 3});
  EXPECT_EQ(boots(), (std::vector<BackendIndex>{kShort, kShort}));
}

TEST_F(PoolOfShortAndBig, NoneIsEndedToBootAnotherThatServesNobody) {
  pool_.feed(event::Resize{3, 3});
  for (const RunnerId runner : {2U, 3U, 4U}) boot(runner, 1h);
  submit(2, 2h);
  pool_.pass_alive(1min, {2, 3, 4});
  EXPECT_EQ(pool_.count<action::DrainRunner>(), 0U);
  room_.limit("big", 1);
  pool_.pass_alive(1s, {2, 3, 4});
  ASSERT_EQ(pool_.count<action::DrainRunner>(), 1U) << "now that helps";
}

TEST_F(PoolOfShortAndBig, ABootThatIsSentOnGoesWhereItServesWhoeverItWasFor) {
  room_.limit("big", 1);
  submit(2, 2h);
  ASSERT_EQ(boots(), std::vector<BackendIndex>{kBig});
  pool_.feed(event::BootFailed{2, {.message = "no capacity"}, Remedy::elsewhere});
  EXPECT_EQ(boots(), std::vector<BackendIndex>{}) << "a short one could not";
  EXPECT_EQ(pool_.failure(2), ErrorCode::none);
}

TEST_F(PoolEnds, ACallIsToldThatFreeSlotsAreOnMachinesThatEndTooEarly) {
  PoolConfig config = pool_config(0, 1, 2);
  config.timeout = 2min;
  pool_ = PoolScenario(config);
  submit(1, 1min);
  boot(1, 10min);
  notice(1, 90s);
  pool_.submit(2).pass_alive(31s, {1});
  ASSERT_EQ(pool_.failure(2), ErrorCode::queue_timed_out);
  EXPECT_THAT(pool_.all<action::Complete>().at(0).error->message,
              HasSubstr("1 slots are free on machines that end too early for it"));
}

}  // namespace pool_ends_test
}  // namespace flame::pool
