// The reaper: everything that speaks for a machine lets it live, and each rule alone.
#include "host/src/policy/reaper.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "host/src/policy/machine_names.hpp"
#include "plugin_sdk/base/limits.hpp"

namespace flame::pool {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::Ge;
using testing::IsEmpty;
using testing::Le;

constexpr Duration kBootMax = 10min;
constexpr std::int64_t kTime = 1'800'000'000;

/// A host "web" with its reaper, on a computer with processes, and an engine whose machines it lists.
class ReaperTest : public testing::Test {
 protected:
  ReaperTest() { start(Reap::destroy); }

  void start(Reap mode, std::uint64_t seed = 1) {
    reaper_ = std::make_unique<Reaper>(
        Reaper::Options{.mode = mode, .host = "web", .origin = "here", .boot_max = kBootMax, .seed = seed});
    reaper_->opened(now_);
  }

  static HostIdentity host(const std::string& process, const std::string& origin = "here") {
    return {.run = "run", .host = "web", .origin = origin, .process = process};
  }
  /// Old enough, of a host whose process is 41-900.
  static Machine machine(const std::string& name, const HostIdentity& of = host("41-900")) {
    return {.name = name, .id = "id-" + name, .labels = machine_labels(name, "p", of), .age = kBootMax + 1s};
  }

  Reaper::Findings list() {
    now_ += 1min;
    return reaper_->listed(machines_, known_, now_);
  }
  void fail() {
    now_ += 1min;
    reaper_->failed(now_);
  }
  static std::vector<std::string> names(const std::vector<Reaper::Finding>& findings) {
    std::vector<std::string> names;
    for (const Reaper::Finding& finding : findings) names.push_back(finding.name);
    return names;
  }
  std::vector<std::string> destroyed() { return names(list().destroy); }
  std::vector<std::string> destroyed_in_two_lists() {
    EXPECT_THAT(destroyed(), IsEmpty()) << "by its first list";
    return destroyed();
  }

  Instant now_{1h};
  std::vector<Machine> machines_;
  Reaper::Known known_{.gone = {{41, 900}}, .ours = {}, .unix_time = kTime};
  std::unique_ptr<Reaper> reaper_;
};

TEST_F(ReaperTest, WhatAHostThatIsGoneHasLeftIsDestroyed) {
  machines_ = {machine("flame-a-1")};
  ASSERT_THAT(destroyed(), IsEmpty());
  const Reaper::Findings findings = list();
  ASSERT_EQ(findings.destroy.size(), 1U);
  EXPECT_EQ(findings.destroy[0].name, "flame-a-1");
  EXPECT_EQ(findings.destroy[0].id, "id-flame-a-1");
  EXPECT_EQ(findings.destroy[0].pool, label_value("p"));
  EXPECT_EQ(findings.destroy[0].owner, MachineOwner::gone);
  EXPECT_EQ(findings.destroy[0].age, kBootMax + 1s);
}

TEST_F(ReaperTest, WhatIsOursIsNeverDestroyed) {
  machines_ = {machine("flame-a-1"), machine("flame-a-2")};
  machines_[1].labels["flame-until"] = "1";
  known_.ours = {"flame-a-1", "flame-a-2"};
  EXPECT_THAT(destroyed_in_two_lists(), IsEmpty());
}

TEST_F(ReaperTest, OfTwoHostsOfOneNameOnOneComputerTheLivingKeepsItsMachines) {
  machines_ = {machine("flame-a-1", host("41-900")), machine("flame-b-1", host("42-950"))};
  EXPECT_THAT(destroyed_in_two_lists(), ElementsAre("flame-a-1"));
}

TEST_F(ReaperTest, TwoLivingHostsOfOneNameNeverTouchEachOther) {
  known_.gone.clear();
  machines_ = {machine("flame-a-1", host("41-900")), machine("flame-b-1", host("42-950")),
               machine("flame-c-1", host("41-900", "there"))};
  EXPECT_THAT(destroyed_in_two_lists(), IsEmpty());
  known_.gone = {{41, 900}, {42, 950}};
  machines_ = {machine("flame-c-1", host("41-900", "there"))};
  EXPECT_THAT(destroyed_in_two_lists(), IsEmpty()) << "a container beside this one, whose processes are not seen here";
}

TEST_F(ReaperTest, APidThatWasGivenAgainIsAnotherProcess) {
  machines_ = {machine("flame-a-1", host("41-900")), machine("flame-b-1", host("41-901"))};
  EXPECT_THAT(destroyed_in_two_lists(), ElementsAre("flame-a-1"));
}

TEST_F(ReaperTest, AProcessThatCannotBeReadExists) {
  known_.gone.clear();
  machines_ = {machine("flame-a-1")};
  EXPECT_THAT(reaper_->processes(machines_), ElementsAre(HostProcess{41, 900}));
  EXPECT_THAT(destroyed_in_two_lists(), IsEmpty());
}

TEST_F(ReaperTest, AsksForProcessesOfItsOwnOriginOnceEach) {
  machines_ = {machine("flame-a-1"), machine("flame-a-2"), machine("flame-c-1", host("43-1", "there")),
               machine("flame-d-1", host("nonsense")), Machine{.name = "flame-e-1"}};
  EXPECT_THAT(reaper_->processes(machines_), ElementsAre(HostProcess{41, 900}));
}

TEST_F(ReaperTest, AMachineWithoutLabelsIsLeftAlone) {
  Machine bare = machine("flame-a-1");
  bare.labels.clear();
  machines_ = {bare};
  EXPECT_THAT(destroyed_in_two_lists(), IsEmpty());
}

TEST_F(ReaperTest, AMachineOfAnotherNameOfHostIsLeftAloneEvenIfItIsListed) {
  machines_ = {machine("flame-a-1")};
  machines_[0].labels["flame-host"] = "db";
  machines_[0].labels["flame-until"] = "1";
  EXPECT_THAT(destroyed_in_two_lists(), IsEmpty());
  EXPECT_EQ(reaper_->scope(), (Labels{{"flame-host", "web"}}));
}

TEST_F(ReaperTest, AMachineThatMayStillBootIsLeftAlone) {
  machines_ = {machine("flame-a-1")};
  machines_[0].age = kBootMax;
  EXPECT_THAT(destroyed_in_two_lists(), IsEmpty());
  machines_[0].age += 1ns;
  EXPECT_THAT(destroyed(), ElementsAre("flame-a-1"));
  machines_[0].age = {};
  EXPECT_THAT(destroyed(), IsEmpty()) << "an engine that does not know the age";
}

TEST_F(ReaperTest, AnEmptyListProvesNothingAndBreaksTheRow) {
  machines_ = {machine("flame-a-1")};
  ASSERT_THAT(destroyed(), IsEmpty());
  const std::vector<Machine> all = std::exchange(machines_, {});
  ASSERT_THAT(destroyed(), IsEmpty());
  machines_ = all;
  EXPECT_THAT(destroyed_in_two_lists(), ElementsAre("flame-a-1"));
}

TEST_F(ReaperTest, AListThatFailedProvesNothingAndBreaksTheRow) {
  machines_ = {machine("flame-a-1")};
  ASSERT_THAT(destroyed(), IsEmpty());
  fail();
  EXPECT_THAT(destroyed_in_two_lists(), ElementsAre("flame-a-1"));
}

TEST_F(ReaperTest, AListThatLagsShowsADestroyedMachineAgainWithoutNews) {
  machines_ = {machine("flame-a-1")};
  ASSERT_THAT(destroyed(), IsEmpty());
  ASSERT_THAT(names(list().news), ElementsAre("flame-a-1"));
  const Reaper::Findings findings = list();
  EXPECT_THAT(names(findings.destroy), ElementsAre("flame-a-1")) << "that is harmless, and an answer may be lost";
  EXPECT_THAT(findings.news, IsEmpty());
}

TEST_F(ReaperTest, ANameThatComesBackWithAnotherMachineIsSeenForTheFirstTime) {
  machines_ = {machine("flame-a-1")};
  ASSERT_THAT(destroyed(), IsEmpty());
  machines_[0].id = "another";
  EXPECT_THAT(destroyed_in_two_lists(), ElementsAre("flame-a-1"));
}

TEST_F(ReaperTest, AMachineThatIsTwiceInOneListIsInOneList) {
  machines_ = {machine("flame-a-1"), machine("flame-a-1")};
  EXPECT_THAT(destroyed_in_two_lists(), ElementsAre("flame-a-1"));
}

TEST_F(ReaperTest, AHostThatDiesBetweenTwoListsIsProvenDeadInTwoMore) {
  known_.gone.clear();
  machines_ = {machine("flame-a-1")};
  ASSERT_THAT(destroyed(), IsEmpty());
  known_.gone = {{41, 900}};
  EXPECT_THAT(destroyed_in_two_lists(), ElementsAre("flame-a-1"));
}

TEST_F(ReaperTest, ALifeThatHasExpiredIsOverWhereverItsHostIs) {
  machines_ = {machine("flame-c-1", host("43-1", "there"))};
  machines_[0].labels["flame-until"] = std::to_string(kTime - 61);
  ASSERT_THAT(destroyed(), IsEmpty());
  const Reaper::Findings findings = list();
  ASSERT_EQ(findings.destroy.size(), 1U);
  EXPECT_EQ(findings.destroy[0].owner, MachineOwner::expired);
}

TEST_F(ReaperTest, AClockThatIsAMinuteAheadEndsNobody) {
  machines_ = {machine("flame-c-1", host("43-1", "there"))};
  machines_[0].labels["flame-until"] = std::to_string(kTime - 60);
  EXPECT_THAT(destroyed_in_two_lists(), IsEmpty());
}

TEST_F(ReaperTest, AClockThatWasWrongForOneListEndsNobody) {
  machines_ = {machine("flame-c-1", host("43-1", "there"))};
  machines_[0].labels["flame-until"] = std::to_string(kTime + 3600);
  ASSERT_THAT(destroyed(), IsEmpty());
  known_.unix_time = kTime + 86400;
  EXPECT_THAT(destroyed(), IsEmpty());
  known_.unix_time = kTime;
  EXPECT_THAT(destroyed_in_two_lists(), IsEmpty());
}

TEST_F(ReaperTest, InReportModeFindsTheSameAndDestroysNothing) {
  start(Reap::report);
  machines_ = {machine("flame-a-1"), machine("flame-b-1", host("42-950"))};
  EXPECT_THAT(list().news, IsEmpty());
  const Reaper::Findings findings = list();
  EXPECT_THAT(names(findings.news), ElementsAre("flame-a-1"));
  EXPECT_THAT(findings.destroy, IsEmpty());
}

TEST_F(ReaperTest, TellsOfAMachineOnceAsLongAsItIsListed) {
  start(Reap::report);
  machines_ = {machine("flame-a-1")};
  static_cast<void>(list());
  ASSERT_THAT(names(list().news), ElementsAre("flame-a-1"));
  EXPECT_THAT(list().news, IsEmpty());
  machines_.push_back(machine("flame-a-2"));
  static_cast<void>(list());
  EXPECT_THAT(names(list().news), ElementsAre("flame-a-2"));
}

TEST_F(ReaperTest, NamesSomeAndCountsTheRest) {
  start(Reap::report);
  for (std::size_t i = 0; i < limits::kReapLinesMax + 3; ++i)
    machines_.push_back(machine("flame-a-" + std::to_string(i)));
  static_cast<void>(list());
  const Reaper::Findings findings = list();
  EXPECT_EQ(findings.news.size(), limits::kReapLinesMax);
  EXPECT_EQ(findings.more_news, 3U);
  EXPECT_EQ(list().more_news, 0U) << "a line a minute would tell nothing new";
}

TEST_F(ReaperTest, DestroysSoManyAtOnceAndTheRestByTheNextList) {
  for (std::size_t i = 0; i < limits::kReapsPerList + 3; ++i)
    machines_.push_back(machine("flame-a-" + std::to_string(i)));
  static_cast<void>(list());
  const Reaper::Findings first = list();
  EXPECT_EQ(first.destroy.size(), limits::kReapsPerList);
  EXPECT_EQ(first.news.size() + first.more_news, limits::kReapsPerList);
  machines_.erase(machines_.begin(), machines_.begin() + static_cast<std::ptrdiff_t>(limits::kReapsPerList));
  const Reaper::Findings second = list();
  EXPECT_EQ(second.destroy.size(), 3U);
  EXPECT_EQ(second.news.size(), 3U);
}

TEST_F(ReaperTest, WhatCannotBeDestroyedDoesNotStandInTheWayOfTheRest) {
  for (std::size_t i = 0; i < limits::kReapsPerList + 2; ++i)
    machines_.push_back(machine("flame-a-" + std::to_string(i)));
  static_cast<void>(list());
  static_cast<void>(list());
  const Reaper::Findings second = list();
  ASSERT_EQ(second.destroy.size(), limits::kReapsPerList);
  EXPECT_EQ(second.destroy[0].name, "flame-a-" + std::to_string(limits::kReapsPerList));
  EXPECT_EQ(second.destroy[1].name, "flame-a-" + std::to_string(limits::kReapsPerList + 1));
  EXPECT_EQ(second.destroy[2].name, "flame-a-0") << "then it is tried again";
}

TEST_F(ReaperTest, LooksAtSoManyMachinesOfAListAndAtNoMoreProcesses) {
  const std::size_t most = limits::kReapMachinesMax;
  for (std::size_t i = 0; i < most + 2; ++i) {
    const std::string process = std::to_string(i + 1) + "-1";
    machines_.push_back(machine("flame-a-" + std::to_string(i), host(process)));
    if (i < most - 1) continue;
    known_.gone.insert({static_cast<std::int64_t>(i + 1), 1});
  }
  EXPECT_EQ(reaper_->processes(machines_).size(), most);
  EXPECT_THAT(destroyed_in_two_lists(), ElementsAre("flame-a-" + std::to_string(most - 1)));
}

TEST_F(ReaperTest, ListsASecondAfterItsBackendHasOpenedThenAboutEveryMinute) {
  EXPECT_EQ(reaper_->next_wakeup(), now_ + 1s);
  EXPECT_FALSE(reaper_->tick(now_ + 999ms));
  EXPECT_TRUE(reaper_->tick(now_ + 1s));
  EXPECT_FALSE(reaper_->tick(now_ + 1min)) << "one list at a time";
  const auto pause_after = [this](bool failed) {
    failed ? fail() : static_cast<void>(list());
    return reaper_->next_wakeup() - now_;
  };
  Duration shortest = 1h;
  Duration longest{};
  for (int i = 0; i < 100; ++i) {
    const Duration pause = pause_after(i % 2 == 1);
    EXPECT_THAT(pause, AllOf(Ge(54s), Le(66s)));
    shortest = std::min(shortest, pause);
    longest = std::max(longest, pause);
  }
  EXPECT_GT(longest - shortest, 6s) << "hosts that were started together do not ask together";
}

TEST_F(ReaperTest, ABootMayTakeAllItsLimitsTogetherOfTheSlowestPool) {
  HostConfig config;
  config.liveness.failsafe = 20s;
  config.pools["quick"].boot_timeout = 5s;
  config.pools["slow"].boot_timeout = 30s;
  EXPECT_EQ(longest_boot(config), 10min + 30s + 20s);
  config.pools["quick"].queue_timeout = 1h;
  EXPECT_EQ(longest_boot(config), 1h + 5s + 20s) << "of one pool, not the longest of each";
  config.pools["slow"].boot_timeout = kForever;
  EXPECT_EQ(longest_boot(config), kForever);
}

TEST_F(ReaperTest, ListsNothingBeforeItsBackendHasOpened) {
  const Reaper reaper({.mode = Reap::destroy, .host = "web", .origin = "here", .boot_max = kBootMax, .seed = 1});
  EXPECT_EQ(reaper.next_wakeup(), kNever);
}

TEST_F(ReaperTest, AsksAgainIfAListNeverComes) {
  now_ += 1s;
  ASSERT_TRUE(reaper_->tick(now_));
  EXPECT_FALSE(reaper_->tick(now_ + limits::kListAnswerMax - 1ns));
  EXPECT_TRUE(reaper_->tick(now_ + limits::kListAnswerMax));
}

}  // namespace
}  // namespace flame::pool
