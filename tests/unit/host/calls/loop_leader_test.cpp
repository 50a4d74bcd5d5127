// Callers that drive the loop themselves, its own thread, and a peer that answers: nobody sleeps over news.
#include "host/src/calls/loop_leader.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <future>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "host/src/calls/scheduling_class.hpp"
#include "host/src/calls/waitable.hpp"
#include "plugin_sdk/base/boot_time.hpp"

namespace flame::pool {
namespace loop_leader_test {

using namespace std::chrono_literals;

class TestCall final : public Waitable {
 public:
  TestCall(std::shared_ptr<Executor> executor, LoopLeader* leader) : Waitable(std::move(executor), leader) {}
  [[nodiscard]] std::uint64_t id() const noexcept override { return 1; }
  void cancel() noexcept override {}
  void drop() noexcept override {}
  void detach() noexcept override {}
  [[nodiscard]] Result<detail::Payload> take() override { return detail::Payload{}; }
  void complete() { set_ready(); }
};
using CallPtr = std::shared_ptr<TestCall>;

class Queue {
 public:
  void push(CallPtr call) {
    const std::lock_guard lock(mutex_);
    calls_.push_back(std::move(call));
  }
  std::deque<CallPtr> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(calls_, {});
  }

 private:
  std::mutex mutex_;
  std::deque<CallPtr> calls_;
};

/// A loop whose peer sends every call back: what comes in goes to the peer, what comes from the peer is completed.
class EchoLoop final : public LoopWork {
 public:
  EchoLoop() {
    leader.watch(from_peer_.fd(), 0);
    leader.open(*this);
    peer_ = std::thread([this] { serve_as_peer(); });
    loop_ = std::thread([this] {
      while (!ended_) leader.turn();
    });
  }
  ~EchoLoop() {
    ended_ = true;
    leader.wake();
    to_peer_ready_.signal();
    loop_.join();
    peer_.join();
    leader.close();
  }

  CallPtr submit() {
    auto call = std::make_shared<TestCall>(executor_, &leader);
    inbox_.push(call);
    return call;
  }

  bool work(std::uint64_t, Visit&) noexcept override {
    EXPECT_EQ(inside_.fetch_add(1), 0) << "two threads under the lead";
    for (CallPtr& call : inbox_.take()) {
      to_peer_.push(std::move(call));
      to_peer_ready_.signal();
    }
    for (const CallPtr& call : answers_.take()) call->complete();
    inside_.fetch_sub(1);
    return false;
  }

  LoopLeader leader;

 private:
  void serve_as_peer() {
    while (!ended_) {
      pollfd ready{to_peer_ready_.fd(), POLLIN, 0};
      ::poll(&ready, 1, -1);
      to_peer_ready_.clear();
      auto calls = to_peer_.take();
      for (CallPtr& call : calls) answers_.push(std::move(call));
      from_peer_.signal();
    }
  }

  std::shared_ptr<Executor> executor_ = std::make_shared<Executor>([](const char*) {});
  Queue inbox_;
  Queue to_peer_;
  Queue answers_;
  base::EventFd to_peer_ready_;
  base::EventFd from_peer_;
  std::atomic<int> inside_{0};
  std::atomic<bool> ended_{false};
  std::thread peer_;
  std::thread loop_;
};

TEST(LoopLeader, OneCallerAfterTheOtherGetsEveryAnswer) {
  EchoLoop loop;
  for (int i = 0; i < 3000; ++i) ASSERT_TRUE(loop.submit()->wait(10s)) << "call " << i;
}

TEST(LoopLeader, ManyCallersAtOnceGetEveryAnswer) {
  EchoLoop loop;
  std::atomic<int> answered{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      for (int n = 0; n < 1500 && loop.submit()->wait(10s); ++n) ++answered;
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(answered, 4 * 1500);
}

TEST(LoopLeader, AnAnswerIsHeardAlsoWhenNobodyWaitsForIt) {
  EchoLoop loop;
  for (int i = 0; i < 300; ++i) {
    const CallPtr call = loop.submit();
    loop.leader.wake();
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (!call->ready() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    ASSERT_TRUE(call->ready()) << "call " << i;
  }
}

TEST(LoopLeader, ADriverGoesWhenItsTimeIsUp) {
  EchoLoop loop;
  const auto never = std::make_shared<TestCall>(nullptr, &loop.leader);
  EXPECT_FALSE(never->wait(20ms)) << "sleeps on its own";
  EXPECT_FALSE(never->wait(Waitable::kLeadMin)) << "drives";
  EXPECT_TRUE(loop.submit()->wait(10s)) << "the lead is free again";
}

SchedulingClass scheduled(int policy, int nice = 0, unsigned priority = 0) {
  SchedulingClass made;
  made.policy = static_cast<std::uint32_t>(policy);
  made.nice = nice;
  made.priority = priority;
  return made;
}

TEST(LoopLeader, ACallerMayDriveWhoGetsAProcessorAtLeastAsReadilyAsTheLoop) {
  const auto idle = scheduled(SCHED_IDLE);
  const auto batch = scheduled(SCHED_BATCH);
  const auto usual = scheduled(SCHED_OTHER);
  const auto nice = scheduled(SCHED_OTHER, 19);
  const auto low = scheduled(SCHED_RR, 0, 1);
  const auto high = scheduled(SCHED_FIFO, 0, 50);
  const std::vector<SchedulingClass> upwards = {idle, nice, usual, low, high};
  for (std::size_t one = 0; one < upwards.size(); ++one) {
    for (std::size_t other = 0; other < upwards.size(); ++other) {
      EXPECT_EQ(is_at_least(upwards[one], upwards[other]), one >= other) << one << " and " << other;
    }
  }
  EXPECT_TRUE(is_at_least(scheduled(SCHED_FIFO, 0, 1), low));
  EXPECT_TRUE(is_at_least(usual, batch));
  EXPECT_FALSE(is_at_least(batch, usual)) << "it is not let in before others when it wakes";
  constexpr int kDeadline = 6;
  EXPECT_TRUE(is_at_least(scheduled(kDeadline), scheduled(kDeadline)));
  EXPECT_FALSE(is_at_least(scheduled(kDeadline), usual)) << "it may be throttled";
  EXPECT_FALSE(is_at_least(high, scheduled(kDeadline)));
}

TEST(LoopLeader, OrdinaryCallersMayDriveALoopThatAnIdleThreadHasStarted) {
  LeaderStanding standing;
  std::promise<void> here;
  std::promise<void> seen;
  std::thread loop([&] {
    const sched_param none{};
    EXPECT_EQ(::sched_setscheduler(0, SCHED_IDLE, &none), 0);
    standing.loop_is_here();
    here.set_value();
    seen.get_future().wait();
    EXPECT_TRUE(standing.may_drive()) << "its like";
  });
  here.get_future().wait();
  EXPECT_TRUE(standing.may_drive());
  seen.set_value();
  loop.join();
}

TEST(LoopLeader, WorksAtTheTimeThatWasAskedFor) {
  struct Timed final : LoopWork {
    explicit Timed(LoopLeader& its_seat) : leader(its_seat) {}
    bool work(std::uint64_t, Visit&) noexcept override {
      ++rounds;
      leader.wake_by(base::boot_time() + 5ms);
      return false;
    }
    LoopLeader& leader;
    int rounds = 0;
  };
  LoopLeader leader;
  Timed timed(leader);
  leader.open(timed);
  leader.wake();
  while (timed.rounds < 4) leader.turn();  // only the timer wakes it
  leader.close();
}

}  // namespace loop_leader_test
}  // namespace flame::pool
