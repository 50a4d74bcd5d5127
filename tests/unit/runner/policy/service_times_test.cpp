// Which tasks a runner takes for brief.
#include "runner/policy/service_times.hpp"

#include <gtest/gtest.h>

namespace flame::runner {
namespace service_times_test {

using namespace std::chrono_literals;

constexpr std::uint64_t kTask = 7;

class Pace : public testing::Test {
 protected:
  void run(int calls, Duration time, bool quiet = true) {
    for (int i = 0; i < calls; ++i) pace_.ran(kTask, {.time = time, .quiet = quiet});
  }
  [[nodiscard]] bool brief() const { return pace_.brief(kTask); }

  static constexpr int kEnough = ServiceTimes::kCallsToTrust;
  ServiceTimes pace_;
};

TEST_F(Pace, ATaskIsBriefOnceEnoughOfItsCallsWere) {
  EXPECT_FALSE(brief());
  run(kEnough - 1, 5us);
  EXPECT_FALSE(brief());
  run(1, 5us);
  EXPECT_TRUE(brief());
  EXPECT_FALSE(pace_.brief(kTask + 1));
}

TEST_F(Pace, TheMeanOfItsCallsDecides) {
  run(kEnough, ServiceTimes::kBrief);
  EXPECT_TRUE(brief());
  run(1, ServiceTimes::kBrief + 8us);
  EXPECT_FALSE(brief());
  run(1, ServiceTimes::kBrief - 8us);
  EXPECT_TRUE(brief());
}

TEST_F(Pace, OneLongCallEndsTheTrust) {
  run(kEnough, 5us);
  run(1, ServiceTimes::kLong + 1ns);
  EXPECT_FALSE(brief());
  run(kEnough - 1, 5us);
  EXPECT_FALSE(brief());
  run(1, 5us);
  EXPECT_TRUE(brief());
}

// A new version of a plugin has new slots: their first calls must not undo what is known of its tasks.
TEST_F(Pace, TheFirstCallOfASlotDoesNotCount) {
  run(kEnough, 5us);
  for (int slot = 0; slot < kEnough; ++slot) pace_.ran(kTask, {.time = 1s, .quiet = false, .first = true});
  EXPECT_TRUE(brief());
}

TEST_F(Pace, SlotsThatServeOneCallEachProveNothing) {
  for (int slot = 0; slot < 2 * kEnough; ++slot) pace_.ran(kTask, {.time = 5us, .first = true});
  EXPECT_FALSE(brief());
}

TEST_F(Pace, ATaskThatWritesIsNotBrief) {
  run(2 * kEnough, 5us, false);
  EXPECT_FALSE(brief());
}

TEST_F(Pace, ASlotThatLiesAboutItsTimeIsNotTrusted) {
  run(kEnough, 5us);
  run(1, -1ns);
  EXPECT_FALSE(brief());
  run(kEnough, Duration::max());
  EXPECT_FALSE(brief());
}

TEST(ServiceTimes, BeginAnewBeforeThereAreTooManyTasks) {
  ServiceTimes times;
  for (std::uint32_t i = 0; i < ServiceTimes::kCallsToTrust; ++i) times.ran(0, {.time = 5us});
  for (std::uint64_t task = 1; task < ServiceTimes::kTasksMax; ++task) times.ran(task, {.time = 5us});
  times.ran(0, {.time = 5us});
  EXPECT_TRUE(times.brief(0));
  times.ran(ServiceTimes::kTasksMax, {.time = 5us});
  EXPECT_FALSE(times.brief(0));
}

}  // namespace service_times_test
}  // namespace flame::runner
