// OomWatch: which deaths the kernel's OOM killer explains.
#include "runner/policy/oom_watch.hpp"

#include <gtest/gtest.h>

namespace flame::runner {
namespace oom_watch_test {

using namespace std::chrono_literals;

class OomWatchTest : public testing::Test {
 protected:
  void pass(Duration time, std::uint64_t kills) {
    now += time;
    if (watch.due(now)) watch.sample(now, kills);
  }

  Instant now{1000s};
  OomWatch watch{now, 7};
};

TEST_F(OomWatchTest, AKillSinceTheLastSampleExplainsOneDeath) {
  EXPECT_FALSE(watch.explains_death(7)) << "what was before us";
  EXPECT_TRUE(watch.explains_death(8));
  EXPECT_FALSE(watch.explains_death(8)) << "it has had its death";
  EXPECT_TRUE(watch.explains_death(9));
}

TEST_F(OomWatchTest, TwoKillsExplainTwoDeaths) {
  EXPECT_TRUE(watch.explains_death(9));
  EXPECT_TRUE(watch.explains_death(9));
  EXPECT_FALSE(watch.explains_death(9));
}

TEST_F(OomWatchTest, AKillOfAnotherProcessLongAgoExplainsNothing) {
  pass(2s, 8);
  pass(2s, 8);
  EXPECT_FALSE(watch.explains_death(8));
  EXPECT_TRUE(watch.explains_death(9));
}

TEST_F(OomWatchTest, ASampleBetweenTheKillAndItsDeathHidesNothing) {
  pass(2s, 8);
  EXPECT_TRUE(watch.explains_death(8));
  pass(2s, 8);
  EXPECT_FALSE(watch.explains_death(8));
}

TEST_F(OomWatchTest, SamplesAreDueEveryTwoSeconds) {
  EXPECT_FALSE(watch.due(now + 1999ms));
  EXPECT_TRUE(watch.due(now + 2s));
  pass(3s, 7);
  EXPECT_FALSE(watch.due(now + 1999ms));
  EXPECT_TRUE(watch.due(now + 2s));
}

}  // namespace oom_watch_test
}  // namespace flame::runner
