// Orphans: which left-behind processes are killed, and when.
#include "runner/policy/orphans.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugin_sdk/base/limits.hpp"

namespace flame::runner {
namespace orphans_test {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr Instant kStart{std::chrono::seconds(1000)};

TEST(Orphans, WithoutRunningTasksTheyAreKilledAtOnce) {
  Orphans orphans;
  EXPECT_THAT(orphans.judge(kStart, std::vector<pid_t>{5, 6}, {}, false), ElementsAre(5, 6));
}

TEST(Orphans, TheyLiveAsLongAsATaskThatMayUseThem) {
  Orphans orphans;
  const std::vector<pid_t> adopted = {5};
  EXPECT_THAT(orphans.judge(kStart, adopted, {1, 2}, false), IsEmpty());
  EXPECT_TRUE(orphans.waiting());
  EXPECT_THAT(orphans.judge(kStart, adopted, {2, 3}, false), IsEmpty());
  EXPECT_THAT(orphans.judge(kStart, adopted, {3}, false), ElementsAre(5)) << "3 began later, it cannot be its";
}

TEST(Orphans, ThoseThatEndByThemselvesAreForgotten) {
  Orphans orphans;
  EXPECT_THAT(orphans.judge(kStart, std::vector<pid_t>{5}, {1}, false), IsEmpty());
  EXPECT_THAT(orphans.judge(kStart, std::vector<pid_t>{}, {1}, false), IsEmpty());
  EXPECT_FALSE(orphans.waiting());
}

TEST(Orphans, WhatAppearsWhileSlotsAreForkedMayBeOneAndIsSparedUntilNoForkCanBeOnItsWay) {
  Orphans orphans;
  const std::vector<pid_t> adopted = {5};
  EXPECT_THAT(orphans.judge(kStart, adopted, {}, true), IsEmpty());
  EXPECT_THAT(orphans.judge(kStart + limits::kForkAnswerMax - std::chrono::seconds(1), adopted, {}, true), IsEmpty());
  EXPECT_THAT(orphans.judge(kStart + limits::kForkAnswerMax, adopted, {}, true), ElementsAre(5));
}

TEST(Orphans, WhatWasKnownBeforeIsKilledWhileSlotsAreForked) {
  Orphans orphans;
  const std::vector<pid_t> adopted = {5};
  EXPECT_THAT(orphans.judge(kStart, adopted, {1}, false), IsEmpty());
  EXPECT_THAT(orphans.judge(kStart, adopted, {}, true), ElementsAre(5));
}

}  // namespace orphans_test
}  // namespace flame::runner
