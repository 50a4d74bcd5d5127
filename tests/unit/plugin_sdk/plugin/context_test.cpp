// Context through the C ABI: stop, deadline, attempt, log, progress, parent.
#include <flame/context.hpp>

#include <gtest/gtest.h>

#include <limits>
#include <thread>

#include <flame/testing.hpp>

#include "sample.hpp"

namespace {

using namespace std::chrono_literals;
using flame::testing::Runner;

TEST(Context, StopTokenWakesATaskThatWaits) {
  Runner runner;
  std::jthread stopper([&] { runner.request_stop(); });
  EXPECT_EQ(runner.call<sample::wait_for_stop>().value(), "stopped");
}

TEST(Context, StopTokenOfAStoppedCallIsStoppedAtOnce) {
  Runner runner;
  runner.request_stop();
  EXPECT_EQ(runner.call<sample::wait_for_stop>().value(), "stopped");
}

TEST(Context, StopTokenWakesAtTheDeadline) {
  Runner runner;
  runner.set_timeout(5ms);
  EXPECT_EQ(runner.call<sample::wait_for_stop>().value(), "stopped");
}

TEST(Context, StopRequestedBecomesTrue) {
  Runner runner;
  std::jthread stopper([&] { runner.request_stop(); });
  EXPECT_EQ(runner.call<sample::poll_for_stop>().value(), "stopped");
}

TEST(Context, DeadlineIsAbsentOrAhead) {
  Runner runner;
  EXPECT_EQ(runner.call<sample::remaining_ms>().value(), -1);
  runner.set_timeout(1h);
  const auto remaining = runner.call<sample::remaining_ms>().value();
  EXPECT_GT(remaining, 3'500'000);
  EXPECT_LE(remaining, 3'600'000);
}

TEST(Context, TellsTheAttempt) {
  Runner runner;
  EXPECT_EQ(runner.call<sample::attempt>().value(), 1U);
  runner.set_attempt(3);
  EXPECT_EQ(runner.call<sample::attempt>().value(), 3U);
}

TEST(Context, LogsAndReportsProgress) {
  Runner runner;
  ASSERT_TRUE(runner.call<sample::talk>());
  const auto logs = runner.logs();
  ASSERT_EQ(logs.size(), 2U);
  EXPECT_EQ(logs[0].level, flame::LogLevel::info);
  EXPECT_EQ(logs[0].text, "plain");
  EXPECT_EQ(logs[1].level, flame::LogLevel::error);
  const auto progress = runner.progress();
  ASSERT_EQ(progress.size(), 2U);
  EXPECT_EQ(progress[0].fraction, 0.25);
  EXPECT_EQ(progress[0].message, "quarter");
  EXPECT_EQ(progress[1].fraction, 1.0);
}

TEST(Context, TellsWhoseRunnerItIs) {
  Runner runner;
  EXPECT_EQ(runner.call<sample::whose>().value(), "nobody");
  runner.set_parent({.host = "web-1", .pool = "ffmpeg", .runner = "r-3", .backend = "local"});
  EXPECT_EQ(runner.call<sample::whose>().value(), "ffmpeg/r-3");
  EXPECT_EQ(flame::Parent::get()->host, "web-1");
}

TEST(Context, TheWatcherThreadIsJoinedBeforeTheCallReturns) {
  Runner runner;
  runner.request_stop();
  for (int i = 0; i < 200; ++i) {  // a leaked thread per call would be seen by the sanitizers and by the limit
    ASSERT_TRUE(runner.call<sample::wait_for_stop>());
  }
}

}  // namespace
