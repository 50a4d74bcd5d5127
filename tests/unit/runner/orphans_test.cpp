// Orphans: which left-behind processes are killed, and when.
#include "runner/orphans.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace flame::runner {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Orphans, WithoutRunningTasksTheyAreKilledAtOnce) {
  Orphans orphans;
  EXPECT_THAT(orphans.judge(std::vector<pid_t>{5, 6}, {}), ElementsAre(5, 6));
}

TEST(Orphans, TheyLiveAsLongAsATaskThatMayUseThem) {
  Orphans orphans;
  const std::vector<pid_t> adopted = {5};
  EXPECT_THAT(orphans.judge(adopted, {1, 2}), IsEmpty());
  EXPECT_TRUE(orphans.waiting());
  EXPECT_THAT(orphans.judge(adopted, {2, 3}), IsEmpty());
  EXPECT_THAT(orphans.judge(adopted, {3}), ElementsAre(5)) << "3 began later, it cannot be its";
}

TEST(Orphans, ThoseThatEndByThemselvesAreForgotten) {
  Orphans orphans;
  EXPECT_THAT(orphans.judge(std::vector<pid_t>{5}, {1}), IsEmpty());
  EXPECT_THAT(orphans.judge(std::vector<pid_t>{}, {1}), IsEmpty());
  EXPECT_FALSE(orphans.waiting());
}

}  // namespace
}  // namespace flame::runner
