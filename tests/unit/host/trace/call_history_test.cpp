// CallHistory: what is kept of which call, and for how long.
#include "host/src/trace/call_history.hpp"

#include <gtest/gtest.h>

namespace flame::pool {
namespace call_history_test {

using namespace std::chrono_literals;

constexpr Instant kStart{};
constexpr CallId kWindow = limits::kHistoryRecentMax;

Error failure(std::string message = "it broke") {
  return Error{.code = ErrorCode::task_failed, .message = std::move(message)};
}

class Calls : public testing::Test {
 protected:
  void submit(CallId call) { history.submitted({.id = call, .task = "tasks::work"}, kStart); }
  void succeed(CallId call) { history.answered(call, 1, nullptr, kStart + 1ms); }
  void fail(CallId call) {
    const Error error = failure();
    history.answered(call, 1, &error, kStart + 1ms);
  }
  void others(CallId first, CallId count) {
    for (CallId call = first; call < first + count; ++call) {
      submit(call);
      succeed(call);
    }
  }
  [[nodiscard]] bool knows(CallId call) const { return history.find(call) != nullptr; }

  CallHistory history;
};

using CallHistoryTest = Calls;

TEST_F(CallHistoryTest, TellsTheStepsOfACallWithTimesSinceItsSubmission) {
  submit(7);
  history.add(7, {.runner = 3, .step = CallStep::sent, .attempt = 1}, kStart + 2ms);
  history.answered(7, 3, nullptr, kStart + 5ms);
  const CallStory* const story = history.find(7);
  ASSERT_NE(story, nullptr);
  EXPECT_EQ(story->task, "tasks::work");
  ASSERT_EQ(story->count, 2U);
  EXPECT_EQ(story->events[0].step, CallStep::sent);
  EXPECT_EQ(story->events[0].runner, 3U);
  EXPECT_EQ(story->events[0].after_ns, Duration(2ms).count());
  EXPECT_EQ(story->events[1].step, CallStep::answered);
  EXPECT_TRUE(story->answered);
  EXPECT_EQ(story->code, ErrorCode::none);
}

TEST_F(CallHistoryTest, KnowsNothingOfCallsThatItNeverSaw) {
  EXPECT_FALSE(knows(0));
  EXPECT_FALSE(knows(1));
  history.add(5, {.step = CallStep::begun}, kStart);
  history.queued(5, {}, kStart);
  EXPECT_FALSE(knows(5));
  EXPECT_EQ(history.last_answered(), 0U);
}

TEST_F(CallHistoryTest, KeepsTheLastCallsAndForgetsOlderSuccesses) {
  others(1, kWindow + 1);
  EXPECT_FALSE(knows(1));
  EXPECT_TRUE(knows(2));
  EXPECT_TRUE(knows(kWindow + 1));
  EXPECT_EQ(history.last_answered(), kWindow + 1);
  EXPECT_EQ(history.last_failed(), 0U);
}

TEST_F(CallHistoryTest, KeepsAFailureLongerThanSuccesses) {
  submit(1);
  fail(1);
  others(2, 3 * kWindow);
  ASSERT_TRUE(knows(1));
  EXPECT_EQ(history.find(1)->code, ErrorCode::task_failed);
  EXPECT_EQ(history.find(1)->failure, "task_failed: it broke");
  EXPECT_EQ(history.last_failed(), 1U);
}

TEST_F(CallHistoryTest, ACallThatOutlivesTheOthersKeepsItsStoryToTheEnd) {
  submit(1);
  history.add(1, {.runner = 1, .step = CallStep::sent}, kStart);
  others(2, 3 * kWindow);
  history.add(1, {.runner = 1, .step = CallStep::stop_requested}, kStart + 1s);
  succeed(1);
  others(4 * kWindow, kWindow);
  history.add(1, {.runner = 1, .step = CallStep::ended}, kStart + 2s);
  ASSERT_TRUE(knows(1));
  EXPECT_EQ(history.find(1)->count, 4U);
  EXPECT_EQ(history.find(1)->events[3].step, CallStep::ended);
}

TEST_F(CallHistoryTest, ACallThatHoldsObjectsIsKeptWhateverFailsAfterItsLateAnswer) {
  submit(1);
  others(2, 2 * kWindow);
  succeed(1);
  history.held(1, 1, kStart + 1s);
  const CallId last = 2 * kWindow + 2 * (kWindow + limits::kHistoryEndedMax);
  for (CallId call = 2 * kWindow + 2; call < last; ++call) {
    submit(call);
    fail(call);
  }
  ASSERT_TRUE(knows(1));
  history.let_go(1, 1, nullptr, kStart + 2s);
  history.let_go(1, 1, nullptr, kStart + 3s);
  ASSERT_TRUE(knows(1));
  EXPECT_EQ(history.find(1)->events[2].step, CallStep::let_go);
  EXPECT_EQ(history.size(), kWindow + limits::kHistoryEndedMax);
}

TEST_F(CallHistoryTest, AStoryWithoutEndKeepsItsFirstAndLastSteps) {
  submit(1);
  for (int i = 0; i < 100; ++i) history.add(1, {.step = CallStep::sent}, kStart + i * 1ms);
  const CallStory& story = *history.find(1);
  EXPECT_EQ(story.count, limits::kHistoryEventsMax);
  EXPECT_EQ(story.dropped, 100 - limits::kHistoryEventsMax);
  const std::int64_t ms = Duration(1ms).count();
  EXPECT_EQ(story.events[5].after_ns, 5 * ms);
  EXPECT_EQ(story.events[6].after_ns, 94 * ms);
  EXPECT_EQ(story.events[limits::kHistoryEventsMax - 1].after_ns, 99 * ms);
}

TEST_F(CallHistoryTest, ACallerThatWasHeldUpDoesNotDisplaceAYoungerCall) {
  others(kWindow + 5, 1);
  submit(5);
  EXPECT_TRUE(knows(kWindow + 5));
  ASSERT_TRUE(knows(5));
  succeed(5);
  EXPECT_TRUE(history.find(5)->answered);
}

TEST_F(CallHistoryTest, APlaceThatIsUsedAgainHoldsNothingOfTheCallBefore) {
  submit(1);
  history.queued(1, {.ahead = 3}, kStart);
  fail(1);
  submit(1 + kWindow);
  const CallStory& story = *history.find(1 + kWindow);
  EXPECT_FALSE(story.queue);
  EXPECT_FALSE(story.answered);
  EXPECT_EQ(story.count, 0U);
  EXPECT_EQ(story.failure, "");
  EXPECT_EQ(story.code, ErrorCode::none);
}

TEST_F(CallHistoryTest, HoldsNoMoreThanItsLimitsWhateverCalls) {
  const Error error = failure(std::string(2 * limits::kHistoryTextMax, 'x'));
  CallId call = 1;
  for (; call <= 20'000; ++call) submit(call);  // none of them ends
  EXPECT_EQ(history.size(), limits::kHistoryRecentMax + limits::kHistoryOpenMax);
  for (CallId old = 1; old < call; ++old) history.answered(old, 0, &error, kStart);
  for (; call <= 40'000; ++call) {
    submit(call);
    history.answered(call, 0, &error, kStart);
  }
  EXPECT_EQ(history.size(), limits::kHistoryRecentMax + limits::kHistoryEndedMax);
  EXPECT_EQ(history.find(call - 1)->failure.size(), limits::kHistoryTextMax);
  history.submitted({.id = call, .task = std::string(100'000, 'y')}, kStart);
  EXPECT_EQ(history.find(call)->task.size(), limits::kNameMax);
}

// The worst: as many as can be kept, all names and texts at their limit.
TEST_F(CallHistoryTest, HoldsNoMoreBytesThanItsLimit) {
  const Error error = failure(std::string(2 * limits::kHistoryTextMax, 'x'));
  const std::string name(2 * limits::kNameMax, 'y');
  constexpr CallId kFailed = limits::kHistoryEndedMax;
  constexpr CallId kOpen = limits::kHistoryOpenMax;
  const CallId last = kFailed + kOpen + kWindow;
  for (CallId call = 1; call <= last; ++call) {
    history.submitted({.id = call, .task = name}, kStart);
    if (call <= kFailed || call > kFailed + kOpen) history.answered(call, 0, &error, kStart);
  }
  EXPECT_EQ(history.size(), last);
  std::size_t bytes = 0;
  for (CallId call = 1; call <= last; ++call) {
    const CallStory* story = history.find(call);
    if (story != nullptr) bytes += sizeof *story + story->task.capacity() + story->failure.capacity();
  }
  EXPECT_LE(bytes, limits::kHistoryBytesMax);
  EXPECT_GE(bytes, limits::kHistoryBytesMax / 2) << "or the limit says little";
}

}  // namespace call_history_test
}  // namespace flame::pool
