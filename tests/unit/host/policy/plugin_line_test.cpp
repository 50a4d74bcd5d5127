// PluginLine: one change at a time, all pools or none, every request answered once, and what people are told.
#include "host/src/policy/plugin_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugin_sdk/base/make_error.hpp"

namespace flame::pool {
namespace plugin_line_test {

using namespace std::chrono_literals;
using line::Move;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr DigestId kOld = 4;
constexpr DigestId kNew = 5;
constexpr DigestId kNewer = 6;
constexpr Instant kStart{1h};
constexpr Instant kLimit = kStart + 30s;

/// A line of two pools, and the actions of what was done last.
struct Scenario {
  PluginLine plugin{"video", {{0, "ffmpeg", kOld}, {1, "thumbs", kOld}}};
  line::Actions actions;

  Scenario& activate(line::Request request, DigestId digest, std::vector<line::PoolIndex> pools = {0, 1},
                     Instant deadline = kLimit) {
    actions.clear();
    plugin.activate({request, digest, "video@1." + std::to_string(digest), std::move(pools), deadline}, actions);
    return *this;
  }
  Scenario& rollback(line::Request request, std::vector<line::PoolIndex> pools = {0, 1}) {
    actions.clear();
    plugin.rollback({request, std::move(pools), kLimit}, actions);
    return *this;
  }
  Scenario& report(line::PoolIndex pool, const action::Prepared& prepared) {
    actions.clear();
    plugin.prepared(pool, prepared, actions);
    return *this;
  }
  Scenario& ready(line::PoolIndex pool, DigestId digest) { return report(pool, {.digest = digest, .ready = true}); }
  Scenario& recorded(const std::optional<Error>& error = std::nullopt) {
    actions.clear();
    plugin.recorded(error, actions);
    return *this;
  }
  Scenario& tick(Instant now) {
    actions.clear();
    plugin.tick(now, actions);
    return *this;
  }
  Scenario& shutdown() {
    actions.clear();
    plugin.shutdown(actions);
    return *this;
  }
  /// The whole of a change that succeeds.
  Scenario& change(line::Request request, DigestId digest) {
    return activate(request, digest).ready(0, digest).ready(1, digest).recorded();
  }
  template <class Kind>
  [[nodiscard]] std::vector<Kind> all() const {
    std::vector<Kind> found;
    for (const line::Action& action : actions)
      if (const auto* one = std::get_if<Kind>(&action)) found.push_back(*one);
    return found;
  }
  /// Of the one request that was answered; none: it succeeded.
  [[nodiscard]] Error failure() const {
    const auto done = all<line::Done>();
    EXPECT_EQ(done.size(), 1u);
    return done.empty() ? Error{} : done[0].error.value_or(Error{});
  }
};

std::vector<line::Request> answered(const Scenario& line) {
  std::vector<line::Request> requests;
  for (const auto& done : line.all<line::Done>()) requests.push_back(done.request);
  return requests;
}

TEST(PluginLine, PreparesAllPoolsThenWritesTheRecordThenSwitchesThemAtOnce) {
  Scenario line;
  line.activate(1, kNew);
  ASSERT_EQ(line.all<line::Prepare>().size(), 2u);
  EXPECT_EQ(line.all<line::Prepare>()[0].replaces, kOld);
  EXPECT_EQ(line.actions.size(), 2u);
  EXPECT_THAT(line.ready(0, kNew).actions, IsEmpty()) << "no pool switches before another is ready";
  line.ready(1, kNew);
  ASSERT_EQ(line.all<line::WriteRecord>().size(), 1u);
  EXPECT_THAT(line.all<line::WriteRecord>()[0].moves, ElementsAre(Move{0, kNew, kOld}, Move{1, kNew, kOld}));
  EXPECT_EQ(line.plugin.active(0), kOld) << "not before the record is written";
  EXPECT_EQ(line.plugin.candidate(0), kNew);
  line.recorded();
  ASSERT_EQ(line.actions.size(), 2u);
  EXPECT_THAT(std::get<line::Switch>(line.actions[0]).moves, ElementsAre(Move{0, kNew, kOld}, Move{1, kNew, kOld}));
  EXPECT_EQ(std::get<line::Done>(line.actions[1]).switched.size(), 2u);
  EXPECT_EQ(line.plugin.active(1), kNew);
  EXPECT_EQ(line.plugin.previous(1), kOld);
  EXPECT_EQ(line.plugin.stage(), PluginLine::Stage::steady);
}

TEST(PluginLine, WaitsForAllRunnersThatWereAskedAndForAPoolThatFellBack) {
  Scenario line;
  line.activate(1, kNew).ready(0, kNew);
  EXPECT_THAT(line.report(1, {kNew, true, std::nullopt, "thumbs-2 to load it"}).actions, IsEmpty());
  EXPECT_THAT(line.report(0, {kNew, false, std::nullopt, "a runner to boot"}).actions, IsEmpty())
      << "its only one died";
  EXPECT_THAT(line.ready(1, kNew).actions, IsEmpty());
  EXPECT_EQ(line.plugin.waits_for(), "the pool ffmpeg waits for a runner to boot");
  EXPECT_EQ(line.ready(0, kNew).all<line::WriteRecord>().size(), 1u);
}

TEST(PluginLine, GoesOnAtItsDeadlineIfEachPoolHasARunnerThatIsReady) {
  Scenario line;
  line.activate(1, kNew).ready(0, kNew).report(1, {kNew, true, std::nullopt, "thumbs-2 to load it"});
  EXPECT_EQ(line.plugin.next_wakeup(), kLimit);
  EXPECT_THAT(line.tick(kLimit - 1ns).actions, IsEmpty());
  EXPECT_EQ(line.tick(kLimit).all<line::WriteRecord>().size(), 1u);
  EXPECT_EQ(line.plugin.next_wakeup(), kNever) << "a record has no limit";
  EXPECT_EQ(line.recorded().all<line::Switch>().size(), 1u);
}

TEST(PluginLine, SaysWhatItWaitedForWhenItIsTimedOut) {
  Scenario line;
  line.activate(1, kNew).ready(0, kNew);
  line.report(1, {kNew, false, std::nullopt, "the end of what uses an older version: call 7"}).tick(kLimit);
  EXPECT_EQ(line.failure().code, ErrorCode::timed_out);
  EXPECT_EQ(
      line.failure().message,
      "video@1.5 was not ready in time, so nothing was changed: the pool thumbs waits for the end of what uses an "
      "older version: call 7. End that, or raise boot_timeout");
  EXPECT_EQ(line.all<line::Abandon>().size(), 2u);
  EXPECT_EQ(line.plugin.active(0), kOld);
  EXPECT_EQ(line.plugin.candidate(0), kNoDigest);
}

TEST(PluginLine, ChangesNothingWhenAPoolHasOnlyBrokenOnes) {
  Scenario line;
  line.activate(1, kNew).ready(0, kNew);
  line.report(1, {.digest = kNew, .error = base::make_error(ErrorCode::incompatible, "undefined symbol: foo")});
  EXPECT_EQ(line.failure().code, ErrorCode::incompatible);
  EXPECT_EQ(line.failure().message,
            "video@1.5 could not be made ready in the pool thumbs, so nothing was changed: undefined symbol: foo");
  EXPECT_EQ(line.all<line::Abandon>().size(), 2u) << "also where it is ready";
  EXPECT_EQ(line.plugin.active(0), kOld);
  EXPECT_THAT(line.ready(1, kNew).actions, IsEmpty()) << "too late";
}

TEST(PluginLine, ChangesNothingWhenTheRecordCannotBeWritten) {
  Scenario line;
  line.activate(1, kNew).ready(0, kNew).ready(1, kNew);
  line.recorded(base::make_error(ErrorCode::invalid_argument, "/store/active/video cannot be written"));
  EXPECT_EQ(line.failure().code, ErrorCode::invalid_argument);
  EXPECT_THAT(line.failure().message, HasSubstr("/store/active/video"));
  EXPECT_EQ(line.all<line::Abandon>().size(), 2u);
  EXPECT_THAT(line.all<line::Switch>(), IsEmpty());
  EXPECT_EQ(line.plugin.previous(0), kNoDigest);
}

TEST(PluginLine, ASecondChangeWaitsForTheFirst) {
  Scenario line;
  line.activate(1, kNew);
  EXPECT_THAT(line.activate(2, kNewer).actions, IsEmpty());
  line.ready(0, kNew).ready(1, kNew).recorded();
  EXPECT_THAT(answered(line), ElementsAre(1));
  ASSERT_EQ(line.all<line::Prepare>().size(), 2u);
  EXPECT_EQ(line.all<line::Prepare>()[0].replaces, kNew);
  line.ready(0, kNewer).ready(1, kNewer).recorded();
  EXPECT_THAT(answered(line), ElementsAre(2));
  EXPECT_EQ(line.plugin.active(0), kNewer);
  EXPECT_EQ(line.plugin.previous(0), kNew);
}

TEST(PluginLine, ASecondChangeBeginsAlsoWhenTheFirstHasFailed) {
  Scenario line;
  line.activate(1, kNew).activate(2, kNewer, {0, 1}, kLimit + 1s).tick(kLimit);
  EXPECT_THAT(answered(line), ElementsAre(1));
  EXPECT_EQ(line.all<line::Prepare>().size(), 2u);
  EXPECT_EQ(line.all<line::Prepare>()[0].replaces, kOld);
}

TEST(PluginLine, AChangeThatCouldNotBeginIsTimedOut) {
  Scenario line;
  line.activate(1, kNew, {0, 1}, kLimit + 1s).activate(2, kNewer);
  EXPECT_EQ(line.plugin.next_wakeup(), kLimit);
  line.tick(kLimit);
  EXPECT_THAT(answered(line), ElementsAre(2));
  EXPECT_EQ(line.failure().code, ErrorCode::timed_out);
  EXPECT_THAT(line.failure().message, AllOf(HasSubstr("another change"), HasSubstr("video@1.6")));
  EXPECT_EQ(line.plugin.stage(), PluginLine::Stage::preparing);
}

TEST(PluginLine, TheSameChangeIsJoinedAndAnsweredWithIt) {
  Scenario line;
  line.activate(1, kNew).ready(0, kNew);
  EXPECT_THAT(line.activate(2, kNew, {1}).actions, IsEmpty());
  line.ready(1, kNew);
  EXPECT_THAT(line.activate(3, kNew).actions, IsEmpty()) << "also while the record is written";
  line.recorded();
  EXPECT_THAT(answered(line), ElementsAre(1, 2, 3));
  EXPECT_THAT(line.all<line::Done>()[1].switched, ElementsAre(Move{1, kNew, kOld})) << "its own pools";
  EXPECT_EQ(line.all<line::Switch>().size(), 1u);
}

TEST(PluginLine, TheSameVersionForMorePoolsIsAChangeOfItsOwn) {
  Scenario line;
  line.activate(1, kNew, {0}).activate(2, kNew);
  line.ready(0, kNew).recorded();
  EXPECT_THAT(answered(line), ElementsAre(1));
  ASSERT_EQ(line.all<line::Prepare>().size(), 1u) << "the other one has it";
  EXPECT_EQ(line.all<line::Prepare>()[0].pool, 1u);
  EXPECT_THAT(line.ready(1, kNew).all<line::WriteRecord>().at(0).moves,
              ElementsAre(Move{0, kNew, kOld}, Move{1, kNew, kOld}));
  EXPECT_THAT(line.recorded().all<line::Done>().at(0).switched, ElementsAre(Move{1, kNew, kOld}));
}

TEST(PluginLine, WhatIsActiveAlreadyIsOnlyRecorded) {
  Scenario line;
  line.activate(1, kOld);
  ASSERT_EQ(line.actions.size(), 1u);
  EXPECT_THAT(line.all<line::WriteRecord>().at(0).moves,
              ElementsAre(Move{0, kOld, kNoDigest}, Move{1, kOld, kNoDigest}));
  line.recorded();
  EXPECT_THAT(line.all<line::Switch>(), IsEmpty());
  EXPECT_THAT(line.all<line::Done>().at(0).switched, IsEmpty());
}

TEST(PluginLine, RollbackGoesBackAndASecondOneForthAgain) {
  Scenario line;
  line.change(1, kNew).rollback(2);
  ASSERT_EQ(line.all<line::Prepare>().size(), 2u);
  EXPECT_EQ(line.all<line::Prepare>()[0].digest, kOld);
  EXPECT_THAT(line.rollback(3).actions, IsEmpty()) << "what is before is known when its turn comes";
  line.ready(0, kOld).ready(1, kOld).recorded();
  EXPECT_EQ(line.plugin.active(0), kOld);
  ASSERT_EQ(line.all<line::Prepare>().size(), 2u);
  EXPECT_EQ(line.all<line::Prepare>()[0].digest, kNew);
  line.ready(0, kNew).ready(1, kNew).recorded();
  EXPECT_EQ(line.plugin.active(0), kNew);
  EXPECT_EQ(line.plugin.previous(0), kOld);
}

TEST(PluginLine, RollbackIsRefusedWhereNothingWasBefore) {
  Scenario line;
  line.rollback(1);
  EXPECT_EQ(line.failure().code, ErrorCode::not_found);
  EXPECT_THAT(line.failure().message, AllOf(HasSubstr("video"), HasSubstr("activate one")));
  EXPECT_EQ(line.actions.size(), 1u);
  line.activate(2, kNew, {1}).ready(1, kNew).recorded();
  EXPECT_EQ(line.rollback(3).all<line::Prepare>().size(), 1u) << "of the pool that has something before";
}

TEST(PluginLine, KnowsFromTheRecordWhatWasBefore) {
  PluginLine plugin("video", {{0, "ffmpeg", kNew, kOld}});
  line::Actions actions;
  plugin.rollback({1, {0}, kLimit}, actions);
  ASSERT_EQ(actions.size(), 1u);
  EXPECT_EQ(std::get<line::Prepare>(actions[0]).digest, kOld);
}

TEST(PluginLine, ShutdownAnswersEverybodyAndChangesNothing) {
  Scenario line;
  line.activate(1, kNew).activate(2, kNewer).activate(3, kNew).shutdown();
  EXPECT_THAT(answered(line), ElementsAre(2, 1, 3));
  for (const auto& done : line.all<line::Done>()) EXPECT_EQ(done.error->code, ErrorCode::shutting_down);
  EXPECT_EQ(line.all<line::Abandon>().size(), 2u);
  EXPECT_THAT(line.all<line::Prepare>(), IsEmpty());
  EXPECT_EQ(line.activate(4, kNew).failure().code, ErrorCode::shutting_down);
  EXPECT_EQ(line.rollback(5).failure().code, ErrorCode::shutting_down);
  EXPECT_EQ(line.plugin.next_wakeup(), kNever);
}

TEST(PluginLine, ShutdownSaysThatTheRecordMayHaveBeenWritten) {
  Scenario line;
  line.activate(1, kNew).ready(0, kNew).ready(1, kNew).shutdown();
  EXPECT_EQ(line.failure().code, ErrorCode::shutting_down);
  EXPECT_THAT(line.failure().message, HasSubstr("if that was written, the next start serves it"));
  EXPECT_THAT(line.recorded().actions, IsEmpty());
}

TEST(PluginLine, IgnoresReportsOfWhatIsNotPrepared) {
  Scenario line;
  EXPECT_THAT(line.ready(0, kNew).actions, IsEmpty());
  line.activate(1, kNew, {0});
  EXPECT_THAT(line.ready(0, kNewer).ready(1, kNew).actions, IsEmpty());
  EXPECT_EQ(line.ready(0, kNew).all<line::WriteRecord>().size(), 1u);
}

}  // namespace plugin_line_test
}  // namespace flame::pool
