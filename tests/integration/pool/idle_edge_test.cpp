// The idle edge: calls that come just when a runner wants to go. Retire asks before it leaves, so none is lost.
#include <atomic>
#include <random>
#include <thread>

#include <gtest/gtest.h>

#include "tests/support/pool_test.hpp"

namespace flame::test {
namespace {

using namespace std::chrono_literals;

// Sanitizers make boots several times slower; the edge is the same.
#ifdef FLAME_TEST_SLOW
constexpr int kCalls = 1'000;
constexpr std::uint64_t kGenerations = 30;
#else
constexpr int kCalls = 10'000;
constexpr std::uint64_t kGenerations = 300;
#endif
constexpr auto kIdle = 8ms;

class IdleEdge : public PoolTest {
 protected:
  /// Fires bursts of two calls, each about when the runner has been idle for kIdle; counts what is not answered right.
  static int fire(const Pool& pool, int calls, std::uint32_t seed) {
    std::mt19937 random(seed);
    std::uniform_int_distribution<int> offset_us(-1500, 1500);
    int wrong = 0;
    for (int i = 0; i < calls; i += 2) {
      auto first = pool.async<pool_tasks::add>(i, 1);
      auto second = pool.async<pool_tasks::add>(i, 2);
      const auto a = first.try_get();
      const auto b = second.try_get();
      for (const auto* result : {&a, &b}) {
        if (result->has_error()) ADD_FAILURE() << result->error().to_string();
      }
      wrong += a.has_error() || *a != i + 1 ? 1 : 0;
      wrong += b.has_error() || *b != i + 2 ? 1 : 0;
      const auto due = Clock::now() + kIdle + std::chrono::microseconds(offset_us(random));
      static_cast<void>(eventually([&] { return Clock::now() >= due; }));
    }
    return wrong;
  }
};

TEST_F(IdleEdge, CallsAroundTheIdleDeadlineAreAllAnswered) {
  constexpr int kThreads = 4;
  HostConfig settings = config([](PoolConfig& pool) {
    pool.max_concurrency = 2;
    pool.idle_shutdown_after = kIdle;
  });
  for (int i = 0; i < kThreads; ++i) settings.pools["edge" + std::to_string(i)] = settings.pools["work"];
  const Host host(settings);
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      wrong += fire(host.pool("edge" + std::to_string(i)), kCalls / kThreads, static_cast<std::uint32_t>(i));
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  std::uint64_t generations = 0;
  std::uint64_t lost = 0;
  std::uint64_t answered = 0;
  for (int i = 0; i < kThreads; ++i) {
    const PoolStats stats = host.pool("edge" + std::to_string(i)).stats();
    generations += stats.boots;
    lost += stats.runners_lost + stats.retried + stats.boots_failed;
    answered += stats.succeeded;
  }
  RecordProperty("runner_generations", static_cast<int>(generations));
  std::printf("%d calls over %llu runners\n", kCalls, static_cast<unsigned long long>(generations));
  EXPECT_EQ(answered, static_cast<std::uint64_t>(kCalls));
  EXPECT_EQ(lost, 0U);
  EXPECT_GT(generations, kGenerations) << "the edge was hardly met";
}

}  // namespace
}  // namespace flame::test
