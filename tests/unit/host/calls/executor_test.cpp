// Executor and Strand: what is queued when they stop still runs, in order, without nesting.
#include "host/src/calls/executor.hpp"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "host/src/calls/call.hpp"
#include "plugin_sdk/base/limits.hpp"
#include "tests/support/eventually.hpp"

namespace flame::pool {
namespace executor_test {

std::shared_ptr<Executor> make_executor() {
  return std::make_shared<Executor>([](const char*) {});
}

TEST(Executor, StopRunsALongStrandWithoutNestingItsTasks) {
  auto executor = make_executor();
  const auto strand = std::make_shared<Strand>(executor);
  std::promise<void> open;
  std::atomic<int> ran = 0;
  constexpr int kTasks = 200'000;  // nested they need tens of megabytes of stack
  strand->post([gate = open.get_future().share()] { gate.wait(); });
  for (int i = 0; i < kTasks; ++i) strand->post([&ran] { ++ran; });
  std::thread opener([&] { open.set_value(); });
  executor->stop();
  opener.join();
  EXPECT_EQ(ran, kTasks);
}

TEST(Executor, TasksThatWaitForQueuedOnesEndWhileItStops) {
  auto executor = make_executor();
  std::promise<void> stopping;
  const auto gate = stopping.get_future().share();
  std::atomic<int> posted = 0;
  std::atomic<int> ended = 0;
  constexpr int kTasks = Executor::kThreads;  // no thread is left for what they wait for
  for (int i = 0; i < kTasks; ++i) {
    executor->post([&, gate] {
      const auto call = std::make_shared<LocalCall>(executor, nullptr);
      executor->post([call] { call->complete(); });
      ++posted;
      gate.wait();
      call->wait(Duration(-1));
      ++ended;
    });
  }
  ASSERT_TRUE(test::eventually([&] { return posted == kTasks; }));
  std::thread opener([&] { stopping.set_value(); });
  executor->stop();
  opener.join();
  EXPECT_EQ(ended, kTasks);
}

TEST(Executor, TasksThatBlockUnseenDoNotKeepOthersFromRunning) {
  auto executor = make_executor();
  std::promise<void> open;
  const auto gate = open.get_future().share();
  std::atomic<std::size_t> blocked = 0;
  constexpr std::size_t kBlocked = 2 * Executor::kThreads;
  for (std::size_t i = 0; i < kBlocked; ++i) {
    executor->post([&, gate] {
      ++blocked;
      gate.wait();
    });
  }
  EXPECT_TRUE(test::eventually([&] { return blocked == kBlocked; }));
  std::atomic<bool> ran = false;
  executor->post([&] { ran = true; });
  EXPECT_TRUE(test::eventually([&] { return ran.load(); }));
  open.set_value();
  executor->stop();
}

TEST(Executor, HoweverManyTasksWaitForAnotherOneThatOneRuns) {
  auto executor = make_executor();
  constexpr std::size_t kTasks = 200;
  std::vector<std::shared_ptr<LocalCall>> calls(kTasks);
  std::atomic<std::size_t> ended = 0;
  for (auto& call : calls) {
    call = std::make_shared<LocalCall>(executor, nullptr);
    executor->post([&] {
      call->wait(Duration(-1));
      ++ended;
    });
  }
  std::atomic<bool> ran = false;
  executor->post([&] { ran = true; });
  EXPECT_TRUE(test::eventually([&] { return ran.load(); }, std::chrono::seconds(30)));
  for (const auto& call : calls) call->complete();
  EXPECT_TRUE(test::eventually([&] { return ended == kTasks; }, std::chrono::seconds(30)));
  executor->stop();
}

std::size_t callback_threads() {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
    std::string name;
    std::getline(std::ifstream(entry.path() / "comm"), name);
    count += name == "flame-callback" ? 1 : 0;
  }
  return count;
}

TEST(Executor, ThreadsAboveTheUsualEndWhenNothingIsLeftToDo) {
  auto executor = make_executor();
  const auto call = std::make_shared<LocalCall>(executor, nullptr);
  constexpr std::size_t kTasks = 2 * Executor::kThreadsMax;
  for (std::size_t i = 0; i < kTasks; ++i) executor->post([&] { call->wait(Duration(-1)); });
  EXPECT_TRUE(test::eventually([&] { return callback_threads() >= kTasks; }, std::chrono::seconds(30)));
  call->complete();
  const auto usual = [] { return callback_threads() <= Executor::kThreadsMax; };
  EXPECT_TRUE(test::eventually(usual, std::chrono::seconds(30))) << callback_threads();
  executor->stop();
}

TEST(Executor, OnlyThreadsThatWaitForOtherTasksMayBeMoreThanUsualAndTheirNumberIsBounded) {
  EXPECT_EQ(Executor::most_threads(0), Executor::kThreadsMax);
  EXPECT_EQ(Executor::most_threads(65), Executor::kThreadsMax + 65);
  EXPECT_EQ(Executor::most_threads(100'000), Executor::kThreadsMax + limits::kCallbacksWaitingMax);
}

/// True from 20 s after it was made: what would go on for ever ends then.
class GivesUp {
 public:
  explicit operator bool() const { return std::chrono::steady_clock::now() >= at_; }

 private:
  std::chrono::steady_clock::time_point at_ = std::chrono::steady_clock::now() + std::chrono::seconds(20);
};

TEST(Executor, StopComesBackThoughEachTaskLeadsToAnother) {
  auto executor = make_executor();
  const auto strand = std::make_shared<Strand>(executor);
  const GivesUp gives_up;
  bool refused = false;
  std::function<void()> again = [&] { refused = !gives_up && !strand->post([&] { again(); }); };
  strand->post([&] { again(); });
  executor->stop();
  EXPECT_TRUE(refused);
}

TEST(Executor, AfterStopTasksThatLeadToTasksNestNoDeeperThanTheStackBears) {
  auto executor = make_executor();
  executor->stop();
  unsigned deepest = 0;
  std::function<void()> again = [&] {
    ++deepest;
    if (!executor->over() && deepest < 1000) executor->post([&] { again(); });
  };
  again();
  EXPECT_EQ(deepest, Executor::kNestedMax + 1);
}

TEST(Executor, AfterStopTasksThatAnotherThreadGivesToAStrandDoNotNest) {
  auto executor = make_executor();
  executor->stop();
  auto strand = std::make_shared<Strand>(executor);
  std::vector<std::uintptr_t> places;
  const auto note = [&] {
    const char here = 0;
    places.push_back(reinterpret_cast<std::uintptr_t>(&here));
  };
  EXPECT_TRUE(strand->post([&] {
    std::thread([&] {
      for (int i = 0; i < 1000; ++i) EXPECT_TRUE(strand->post(note));
    }).join();
  }));
  ASSERT_EQ(places.size(), 1000U);
  const auto [lowest, highest] = std::minmax_element(places.begin(), places.end());
  EXPECT_LT(*highest - *lowest, 4096U) << "bytes of stack";
}

TEST(Executor, ItsThreadsRunAsTheOneThatMadeItDoesWhoeverPostsFirst) {
  auto executor = make_executor();
  cpu_set_t mine;
  ASSERT_EQ(::sched_getaffinity(0, sizeof mine, &mine), 0);
  std::thread other([&] {
    const sched_param none{};
    ASSERT_EQ(::sched_setscheduler(0, SCHED_BATCH, &none), 0);
    cpu_set_t here;
    CPU_ZERO(&here);
    CPU_SET(static_cast<std::size_t>(::sched_getcpu()), &here);
    ASSERT_EQ(::sched_setaffinity(0, sizeof here, &here), 0);
    cpu_set_t set;
    std::promise<int> ran;
    executor->post([&] {
      ::sched_getaffinity(0, sizeof set, &set);
      ran.set_value(::sched_getscheduler(0));
    });
    EXPECT_EQ(ran.get_future().get(), SCHED_OTHER);
    EXPECT_TRUE(CPU_EQUAL(&set, &mine));
  });
  other.join();
  executor->stop();
}

TEST(Executor, AfterStopATaskRunsAtOnce) {
  auto executor = make_executor();
  executor->stop();
  bool ran = false;
  executor->post([&] { ran = true; });
  EXPECT_TRUE(ran);
}

}  // namespace executor_test
}  // namespace flame::pool
