// Pipeline: for how long an invocation may keep others waiting.
#include "runner/policy/pipeline.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace flame::runner {
namespace pipeline_test {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr SlotRef kSlot{1, 0};

TEST(Pipeline, WhoeverKeepsOthersWaitingHasAMoment) {
  Pipeline pipeline;
  const auto slow = [&](Instant now) {
    std::vector<std::uint64_t> running;
    for (const Pipeline::Slow& one : pipeline.take_slow(now)) running.push_back(one.running);
    return running;
  };
  Instant now{1000s};
  EXPECT_EQ(pipeline.wake_at(), kNever);
  pipeline.keeps_waiting(now, kSlot, 7);
  EXPECT_EQ(pipeline.wake_at(), now + Pipeline::kTimeLimit);
  now += 1ms;
  pipeline.keeps_waiting(now, kSlot, 8);
  EXPECT_THAT(slow(now), IsEmpty());
  now += Pipeline::kTimeLimit - 1ms;
  EXPECT_THAT(slow(now), ElementsAre(7)) << "its owner looks whether that is still there";
  now += 1ms;
  EXPECT_THAT(slow(now), ElementsAre(8));
  EXPECT_EQ(pipeline.wake_at(), kNever);
}

}  // namespace pipeline_test
}  // namespace flame::runner
