// RunnerGenerations and PoolVersions: who is asked, who counts, two of a plugin on a runner, and what leaves.
#include "host/src/policy/runner_generations.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugin_sdk/base/make_error.hpp"

namespace flame::pool {
namespace runner_generations_test {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Kind = RunnerGenerations::Step::Kind;

constexpr DigestId kOther = 0;  // another plugin
constexpr DigestId kFirst = 1;
constexpr DigestId kSecond = 2;
constexpr DigestId kThird = 3;
constexpr Instant kNow{1h};

Error broken() {
  return base::make_error(ErrorCode::incompatible, "undefined symbol: foo");
}

struct Scenario {
  RunnerGenerations generations{{kOther, kFirst}, 30s};

  /// A runner that has what it was booted with.
  Scenario& join(RunnerId id, std::vector<DigestId> wanted = {}) {
    std::vector<event::RunnerPlugin> plugins;
    for (const DigestId digest : generations.boots(id, wanted)) plugins.push_back({digest, std::nullopt});
    generations.joined(id, plugins, kNow);
    return *this;
  }
  template <class Event>
  Scenario& on(const Event& event, Instant now = kNow) {
    generations.on(event, now);
    return *this;
  }
  /// The runners of the steps of one kind for one digest, since the last time.
  std::vector<RunnerId> took(Kind kind, DigestId digest) {
    std::vector<RunnerId> runners;
    for (const auto& step : generations.take_steps())
      if (step.kind == kind && step.digest == digest) runners.push_back(step.runner);
    return runners;
  }
};

TEST(RunnerGenerations, AsksEveryLiveRunnerOnce) {
  Scenario pool;
  pool.join(1).join(2).join(3);
  pool.generations.closed(2);
  pool.on(event::Prepare{kSecond, kFirst}).on(event::Prepare{kSecond, kFirst});
  EXPECT_THAT(pool.took(Kind::load, kSecond), ElementsAre(1, 3));
  EXPECT_THAT(pool.generations.standing(kSecond).loading, ElementsAre(1, 3));
  EXPECT_EQ(pool.generations.coming(kSecond), 2u);
  pool.generations.opened(2, kNow);
  EXPECT_THAT(pool.took(Kind::load, kSecond), ElementsAre(2));
}

TEST(RunnerGenerations, CountsWhoIsReadyAndWhoIsBroken) {
  Scenario pool;
  pool.join(1).join(2).on(event::Prepare{kSecond, kFirst});
  pool.on(event::Loaded{1, kSecond, std::nullopt}).on(event::Loaded{2, kSecond, broken()});
  EXPECT_THAT(pool.took(Kind::serve, kSecond), ElementsAre(1));
  const auto standing = pool.generations.standing(kSecond);
  EXPECT_EQ(standing.ready, 1u);
  EXPECT_EQ(standing.broken, 1u);
  EXPECT_EQ(standing.reason->message, "undefined symbol: foo");
  EXPECT_THAT(standing.loading, IsEmpty());
  pool.generations.removed(1);
  pool.generations.removed(2);
  EXPECT_EQ(pool.generations.standing(kSecond).ready, 0u);
  EXPECT_EQ(pool.generations.standing(kSecond).broken, 0u);
}

TEST(RunnerGenerations, IgnoresAnswersThatNobodyAskedFor) {
  Scenario pool;
  pool.join(1).on(event::Loaded{1, kSecond, std::nullopt}).on(event::Loaded{7, kSecond, std::nullopt});
  pool.on(event::GenerationEnded{1, kSecond}).on(event::GenerationEnded{7, kFirst});
  EXPECT_THAT(pool.generations.take_steps(), IsEmpty());
  EXPECT_EQ(pool.generations.standing(kSecond).ready, 0u);
}

TEST(RunnerGenerations, ALoadThatIsNotAnsweredInTimeIsBrokenAndEnded) {
  Scenario pool;
  pool.join(1).on(event::Prepare{kSecond, kFirst});
  EXPECT_THAT(pool.took(Kind::load, kSecond), ElementsAre(1));
  pool.generations.stood_still(5s);
  EXPECT_EQ(pool.generations.next_deadline(), kNow + 35s) << "a pause of ours is no evidence";
  pool.generations.expire(kNow + 35s);
  EXPECT_THAT(pool.took(Kind::end, kSecond), ElementsAre(1));
  EXPECT_EQ(pool.generations.standing(kSecond).reason->code, ErrorCode::boot_failed);
  EXPECT_EQ(pool.generations.next_deadline(), kNever);
  pool.on(event::Loaded{1, kSecond, std::nullopt});
  EXPECT_EQ(pool.generations.standing(kSecond).ready, 0u) << "late";
  pool.on(event::GenerationEnded{1, kSecond});
  EXPECT_THAT(pool.generations.take_steps(), IsEmpty()) << "it is not asked again";
}

TEST(RunnerGenerations, AThirdWaitsUntilOneHasEnded) {
  Scenario pool;
  pool.join(1).on(event::Prepare{kSecond, kFirst}).on(event::Loaded{1, kSecond, std::nullopt});
  pool.on(event::Switch{kFirst, kSecond}).on(event::Prepare{kThird, kSecond});
  EXPECT_THAT(pool.took(Kind::load, kThird), IsEmpty());
  EXPECT_THAT(pool.generations.in_the_way_of(kThird), ElementsAre(kFirst));
  EXPECT_THAT(pool.generations.leaving(), ElementsAre(kFirst));
  EXPECT_EQ(pool.generations.coming(kThird), 0u);
  pool.generations.end(kFirst);
  EXPECT_EQ(pool.generations.coming(kThird), 1u);
  EXPECT_THAT(pool.took(Kind::end, kFirst), ElementsAre(1));
  EXPECT_THAT(pool.generations.leaving(), IsEmpty());
  pool.on(event::GenerationEnded{1, kFirst});
  EXPECT_THAT(pool.took(Kind::load, kThird), ElementsAre(1));
}

TEST(RunnerGenerations, OtherPluginsDoNotCount) {
  Scenario pool;
  pool.join(1).on(event::Prepare{kSecond, kFirst}).on(event::Prepare{kThird, kOther});
  EXPECT_EQ(pool.generations.take_steps().size(), 2u);
}

TEST(RunnerGenerations, ARunnerThatBootedBeforeAChangeLoadsTheRestAndEndsWhatIsOld) {
  Scenario pool;
  const std::vector<DigestId> asked = pool.generations.boots(1, {});
  EXPECT_THAT(asked, ElementsAre(kOther, kFirst));
  pool.on(event::Prepare{kSecond, kFirst}).on(event::Switch{kFirst, kSecond});
  pool.generations.end(kFirst);
  pool.generations.joined(1, std::vector<event::RunnerPlugin>{{kOther, {}}, {kFirst, {}}}, kNow);
  EXPECT_THAT(pool.took(Kind::load, kSecond), ElementsAre(1));
  EXPECT_THAT(pool.generations.leaving(), ElementsAre(kFirst));
}

TEST(RunnerGenerations, BootsWithWhatIsActiveWantedAndPreparedButNeverAThird) {
  Scenario pool;
  pool.on(event::Prepare{kSecond, kFirst});
  EXPECT_THAT(pool.generations.boots(1, {}), ElementsAre(kOther, kFirst, kSecond));
  pool.on(event::Switch{kFirst, kSecond}).on(event::Prepare{kThird, kSecond});
  const std::vector<DigestId> wanted = {kFirst, kSecond};
  EXPECT_THAT(pool.generations.boots(2, wanted), ElementsAre(kOther, kSecond, kFirst)) << "callers come first";
  EXPECT_TRUE(pool.generations.boots_with(kFirst));
  pool.generations.removed(1);
  pool.generations.removed(2);
  EXPECT_FALSE(pool.generations.boots_with(kFirst));
}

TEST(RunnerGenerations, WhatWasAbandonedLeavesAndMayBeTriedAgain) {
  Scenario pool;
  pool.join(1).join(2).on(event::Prepare{kSecond, kFirst});
  pool.on(event::Loaded{1, kSecond, std::nullopt}).on(event::Loaded{2, kSecond, broken()});
  pool.on(event::Abandon{kSecond});
  EXPECT_THAT(pool.generations.leaving(), ElementsAre(kSecond));
  pool.generations.end(kSecond);
  EXPECT_THAT(pool.took(Kind::end, kSecond), ElementsAre(1));
  pool.on(event::Prepare{kSecond, kFirst});
  EXPECT_THAT(pool.took(Kind::load, kSecond), ElementsAre(2)) << "the other one is still ending it";
  pool.on(event::GenerationEnded{1, kSecond});
  EXPECT_THAT(pool.took(Kind::load, kSecond), ElementsAre(1));
}

TEST(RunnerGenerations, OneThatIsBrokenForADigestDoesNotTakeItWhenItHasRoom) {
  Scenario pool;
  pool.join(1).join(2).on(event::Prepare{kSecond, kFirst});
  pool.generations.expire(kNow + 30s);
  EXPECT_EQ(pool.generations.coming(kSecond), 0u) << "both end it and are not asked again";
  pool.on(event::Abandon{kSecond}).on(event::Prepare{kSecond, kFirst});
  EXPECT_EQ(pool.generations.coming(kSecond), 2u) << "once they have ended it";
}

TEST(RunnerGenerations, WhatWasActiveMayBeTriedAgainWhereItWasBroken) {
  Scenario pool;
  pool.join(1).join(2).on(event::Prepare{kSecond, kFirst});
  pool.on(event::Loaded{1, kSecond, std::nullopt}).on(event::Loaded{2, kSecond, broken()});
  pool.on(event::Switch{kFirst, kSecond});
  EXPECT_EQ(pool.generations.standing(kSecond).broken, 1u);
  pool.on(event::Switch{kSecond, kFirst});
  EXPECT_EQ(pool.generations.standing(kSecond).broken, 0u);
  EXPECT_THAT(pool.took(Kind::load, kSecond), ElementsAre(1, 2));
  pool.on(event::Prepare{kSecond, kFirst});
  EXPECT_THAT(pool.took(Kind::load, kSecond), ElementsAre(2));
}

TEST(RunnerGenerations, WhatFailsAfterItWasGivenUpMayBeTriedAgain) {
  Scenario pool;
  pool.join(1).join(2).on(event::Prepare{kSecond, kFirst}).on(event::Abandon{kSecond});
  pool.on(event::Loaded{1, kSecond, broken()});
  pool.generations.expire(kNow + 30s);
  pool.on(event::GenerationEnded{2, kSecond});
  static_cast<void>(pool.generations.take_steps());
  pool.on(event::Prepare{kSecond, kFirst});
  EXPECT_EQ(pool.generations.standing(kSecond).broken, 0u);
  EXPECT_THAT(pool.took(Kind::load, kSecond), ElementsAre(1, 2));
}

TEST(RunnerGenerations, AnAbandonedLoadIsEndedBeforeItIsAnswered) {
  Scenario pool;
  pool.join(1).on(event::Prepare{kSecond, kFirst}).on(event::Abandon{kSecond});
  pool.generations.end(kSecond);
  EXPECT_THAT(pool.took(Kind::end, kSecond), ElementsAre(1));
  EXPECT_EQ(pool.generations.next_deadline(), kNever);
  pool.on(event::Loaded{1, kSecond, std::nullopt});
  EXPECT_THAT(pool.generations.take_steps(), IsEmpty());
}

TEST(RunnerGenerations, WhatIsActiveCannotBeAbandoned) {
  Scenario pool;
  pool.join(1).on(event::Abandon{kFirst});
  EXPECT_THAT(pool.generations.leaving(), IsEmpty());
  EXPECT_TRUE(pool.generations.versions().is_active(kFirst));
}

TEST(RunnerGenerations, BrokenByAChangeIsUnfitFromTheSwitchOn) {
  Scenario pool;
  pool.join(1).join(2).on(event::Prepare{kSecond, kFirst}).on(event::Loaded{1, kSecond, broken()});
  pool.generations.fell_idle(1);
  EXPECT_THAT(pool.generations.take_unfit(), IsEmpty()) << "it serves what is active";
  pool.on(event::Loaded{2, kSecond, std::nullopt}).on(event::Switch{kFirst, kSecond});
  EXPECT_THAT(pool.generations.take_unfit(), ElementsAre(1));
  pool.generations.fell_idle(1);
  pool.generations.fell_idle(2);
  EXPECT_THAT(pool.generations.take_unfit(), ElementsAre(1));
}

TEST(RunnerGenerations, BrokenFromItsBootOnIsNotUnfit) {
  Scenario pool;
  EXPECT_THAT(pool.generations.boots(1, {}), ElementsAre(kOther, kFirst));
  pool.generations.joined(1, std::vector<event::RunnerPlugin>{{kOther, {}}, {kFirst, broken()}}, kNow);
  EXPECT_THAT(pool.generations.take_steps(), IsEmpty()) << "it is not asked for it again";
  pool.generations.fell_idle(1);
  EXPECT_THAT(pool.generations.take_unfit(), IsEmpty()) << "the next machine would be the same";
}

TEST(RunnerGenerations, WhatARunnerEndsByItselfItCannotServe) {
  Scenario pool;
  pool.join(1).on(event::GenerationEnded{1, kFirst});
  EXPECT_THAT(pool.took(Kind::gone, kFirst), ElementsAre(1));
  EXPECT_THAT(pool.generations.take_unfit(), ElementsAre(1));
}

TEST(RunnerGenerations, RecallsASupersededDigestOnOneRunnerAndLooksAgainOnlyAfterAChange) {
  Scenario pool;
  pool.join(1).join(2).on(event::Prepare{kSecond, kFirst});
  pool.on(event::Loaded{1, kSecond, std::nullopt}).on(event::Loaded{2, kSecond, std::nullopt});
  pool.on(event::Switch{kFirst, kSecond});
  pool.generations.end(kFirst);
  EXPECT_THAT(pool.took(Kind::end, kFirst), ElementsAre(1, 2));
  pool.generations.used(kFirst);
  pool.generations.recall(kFirst, kNow);
  EXPECT_THAT(pool.generations.take_steps(), IsEmpty()) << "both still end it";
  EXPECT_EQ(pool.generations.coming(kFirst), 2u);
  pool.on(event::GenerationEnded{1, kFirst}).on(event::GenerationEnded{2, kFirst});
  pool.generations.recall(kFirst, kNow);
  pool.generations.recall(kFirst, kNow);
  EXPECT_THAT(pool.took(Kind::load, kFirst), ElementsAre(1));
  EXPECT_THAT(pool.generations.leaving(), ElementsAre(kFirst));
}

TEST(RunnerGenerations, OnlySupersededDigestsAreRecalled) {
  Scenario pool;
  pool.join(1);
  pool.generations.used(kThird);
  pool.generations.recall(kThird, kNow);
  EXPECT_THAT(pool.generations.take_steps(), IsEmpty());
  EXPECT_THAT(pool.generations.leaving(), IsEmpty());
}

TEST(PoolVersions, AChangeKeepsThePlaceOfThePlugin) {
  PoolVersions versions({kFirst, kOther});
  versions.prepare(kSecond, kFirst);
  EXPECT_THAT(versions.candidates(), ElementsAre(kSecond));
  EXPECT_TRUE(versions.same_plugin(kFirst, kSecond));
  EXPECT_FALSE(versions.same_plugin(kOther, kSecond));
  versions.activate(kFirst, kSecond);
  EXPECT_THAT(versions.active(), ElementsAre(kSecond, kOther));
  EXPECT_THAT(versions.candidates(), IsEmpty());
  EXPECT_TRUE(versions.is_superseded(kFirst));
  versions.activate(kSecond, kFirst);
  EXPECT_THAT(versions.active(), ElementsAre(kFirst, kOther));
  EXPECT_FALSE(versions.is_superseded(kFirst)) << "it is back";
  versions.prepare(kThird, kFirst);
  EXPECT_TRUE(versions.same_plugin(kThird, kSecond)) << "of the same line";
}

TEST(PoolVersions, TakesAPluginThatThePoolDidNotHave) {
  PoolVersions versions({kOther});
  versions.activate(kNoDigest, kFirst);
  EXPECT_THAT(versions.active(), ElementsAre(kOther, kFirst));
  EXPECT_FALSE(versions.abandon(kFirst));
}

}  // namespace runner_generations_test
}  // namespace flame::pool
