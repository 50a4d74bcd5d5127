// What a caller's thread gets, whatever the other threads of the program do: its time, its answer, its memory.
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <coroutine>
#include <ctime>
#include <fstream>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/edge/callers_tasks.hpp"
#include "tests/integration/edge/support.hpp"

namespace flame::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using Ms = std::chrono::duration<double, std::milli>;

/// Runs `body`; a body that does not come back ends the test program, for nobody else can.
template <class F>
Ms timed(const char* what, F body, std::chrono::seconds limit = 60s) {
  std::promise<void> ended;
  std::thread watchdog([what, limit, done = ended.get_future()] {
    if (done.wait_for(limit) == std::future_status::ready) return;
    std::fprintf(stderr, "%s has not come back after %d s\n", what, static_cast<int>(limit.count()));
    ::_exit(1);
  });
  const auto begin = Clock::now();
  body();
  const Ms took = Clock::now() - begin;
  ended.set_value();
  watchdog.join();
  return took;
}

/// Threads that do the same again and again until this ends.
class Again {
 public:
  template <class F>
  Again(int threads, F body) {
    for (int i = 0; i < threads; ++i) {
      threads_.emplace_back([this, body] {
        while (!stop_) body();
      });
    }
  }
  ~Again() {
    stop_ = true;
    for (std::thread& thread : threads_) thread.join();
  }

 private:
  std::atomic<bool> stop_{false};
  std::vector<std::thread> threads_;
};

double quantile(std::vector<Ms> times, double q) {
  std::ranges::sort(times);
  return times[static_cast<std::size_t>(q * static_cast<double>(times.size() - 1))].count();
}

/// What std::this_thread::sleep_for(5ms) does.
void nap() {
  const timespec time{.tv_sec = 0, .tv_nsec = 5'000'000};
  ::clock_nanosleep(CLOCK_MONOTONIC, 0, &time, nullptr);
}

/// A thread of this process.
bool sleeps(pid_t thread) {
  std::ifstream status("/proc/self/task/" + std::to_string(thread) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("State:")) return line.ends_with("(sleeping)");
  }
  return false;
}

class Callers : public EdgeTest {};

TEST_F(Callers, AWaiterKeepsItsTimeBesideAThreadThatNeverStopsSubmitting) {
  Host host(config("callers", [](PoolConfig& pool) { pool.max_queue = 100; }));
  const Pool pool = host.pool("p");
  EXPECT_EQ(pool.call<edge_callers::add>(1, 2), 3);
  auto held = pool.async<edge_callers::linger>(60'000);
  {
    const Again producer(1, [&] { pool.async<edge_callers::add>(1, 2).detach(); });
    for (int i = 0; i < 20; ++i) {
      EXPECT_LT(timed("wait_for(5ms)", [&] { EXPECT_FALSE(held.wait_for(5ms)); }).count(), 2000);
    }
    EXPECT_LT(timed("wait_for(200ms)", [&] { EXPECT_FALSE(held.wait_for(200ms)); }).count(), 4000);
  }
  held.cancel();
  timed("get()", [&] { EXPECT_EQ(held.try_get().error().code, ErrorCode::cancelled); });
}

TEST_F(Callers, ACallGetsItsAnswerBesideAThreadThatNeverStopsSubmitting) {
  Host host(config("callers", [](PoolConfig& pool) { pool.max_queue = 10; }));
  const Pool pool = host.pool("p");
  EXPECT_EQ(pool.call<edge_callers::add>(1, 2), 3);
  const Again producer(1, [&] { pool.async<edge_callers::add>(1, 2).detach(); });
  for (int i = 0; i < 20; ++i) {
    timed("try_call()", [&] {
      const auto sum = pool.try_call<edge_callers::add>(i, 1);
      if (sum.has_error()) {
        EXPECT_EQ(sum.error().code, ErrorCode::queue_full);
      }
    });
  }
}

TEST_F(Callers, ShutdownKeepsItsBoundsWhateverOtherThreadsSubmit) {
  Host host(config("callers"));
  const Pool pool = host.pool("p");
  EXPECT_EQ(pool.call<edge_callers::add>(1, 2), 3);
  std::atomic<int> refused = 0;
  const Again producers(2, [&] {
    auto future = pool.async<edge_callers::add>(1, 2);
    if (future.ready() && future.try_get().has_error()) ++refused;
    if (future.valid()) future.detach();
  });
  timed(
      "shutdown()", [&] { host.shutdown(); }, 40s);
  EXPECT_TRUE(eventually([&, before = refused.load()] { return refused > before; })) << "told at once, ever after";
}

/// A coroutine that belongs to whoever holds this.
struct Owned {
  struct promise_type {
    Owned get_return_object() { return Owned{std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() {}
  };
  std::coroutine_handle<promise_type> handle;
};

void pump(const Pool& pool, std::atomic<bool>& has_cast) {
  pool.async<edge_callers::add>(1, 2)
      .then([pool, &has_cast](const Result<std::int32_t>& sum) {
        if (sum.has_error() && !has_cast.exchange(true)) pool.cast<edge_callers::add>(1, 2);
        pump(pool, has_cast);
      })
      .detach();
}

Owned await_for_ever(Pool pool) {
  for (;;) {
    try {
      co_await pool.async<edge_callers::add>(1, 2);
    } catch (const CallError&) {
    }
  }
}

TEST_F(Callers, ShutdownComesBackThoughEachCallbackLeadsToAnother) {
  Host host(config("callers"));
  Pool pool = host.pool("p");
  EXPECT_EQ(pool.call<edge_callers::add>(1, 2), 3);
  std::atomic<int> failures = 0;
  pool.on_cast_error([&failures, pool](const CastError&) {
    ++failures;
    pool.cast<edge_callers::add>(1, 2);
  });
  std::atomic<bool> has_cast = false;
  pump(pool, has_cast);
  const Owned coroutine = await_for_ever(pool);
  timed(
      "shutdown()", [&] { host.shutdown(); }, 40s);
  EXPECT_GT(failures, 1);
  // From here on at once, on this thread: not for ever, and not until the stack ends.
  pump(pool, has_cast);
  auto chained = pool.async<edge_callers::add>(1, 2).then([](std::int32_t sum) { return sum; });
  EXPECT_EQ(chained.try_get().error().code, ErrorCode::shutting_down);
  pool.on_cast_error({});
  coroutine.handle.destroy();
}

TEST_F(Callers, ADrainedPoolRefusesOnTheCallersThread) {
  Host host(config("callers"));
  Pool pool = host.pool("p");
  EXPECT_EQ(pool.call<edge_callers::add>(1, 2), 3);
  const Again producer(1, [&] { pool.async<edge_callers::add>(1, 2).detach(); });
  timed(
      "drain()", [&] { EXPECT_TRUE(pool.drain(20s)); }, 40s);
  EXPECT_EQ(pool.try_call<edge_callers::add>(1, 2).error().code, ErrorCode::shutting_down);
}

#ifndef __SANITIZE_ADDRESS__  // it keeps what is freed
double resident_mib() {
  std::ifstream file("/proc/self/statm");
  double pages = 0;
  file >> pages >> pages;
  return pages * static_cast<double>(::sysconf(_SC_PAGESIZE)) / (1 << 20);
}

TEST_F(Callers, AThreadThatNeverStopsSubmittingTakesNoMoreMemoryThanItsQueue) {
  Host host(config("callers", [](PoolConfig& pool) { pool.max_queue = 100; }));
  const Pool pool = host.pool("p");
  EXPECT_EQ(pool.call<edge_callers::add>(1, 2), 3);
  const double before = resident_mib();
  double most = 0;
  {
    const Again producer(2, [&] { pool.async<edge_callers::add>(1, 2).detach(); });
    static_cast<void>(eventually([&] { return (most = std::max(most, resident_mib() - before)) > 1000; }, 8s));
  }
  EXPECT_LT(most, 100) << "MiB";
}

TEST_F(Callers, ArgumentsThatWaitTakeNoMoreMemoryThanMaxQueueBytes) {
  HostConfig settings = config("callers");
  const std::string toml = "[plugins]\npath = [\"" + settings.plugin_path.front() +
                           "\"]\n[pools.p]\nplugins = [\"edge_callers@1\"]\nmax = 1\nmax_concurrency = 2\n"
                           "shutdown_timeout = \"2s\"\nmax_queue_bytes = \"64MiB\"\n[backends.local]\nrunner = \"" +
                           FLAME_TEST_RUNNER + "\"\n";
  Host host = Host::from_toml(toml);
  const Pool pool = host.pool("p");
  EXPECT_EQ(pool.call<edge_callers::add>(1, 2), 3);
  auto one = pool.async<edge_callers::linger>(60'000);
  auto other = pool.async<edge_callers::linger>(60'000);
  const double before = resident_mib();
  double most = 0;
  std::atomic<int> full = 0;
  std::atomic<int> others = 0;
  {
    const Again producer(2, [&] {
      auto future = pool.async<edge_callers::size_of>(Bytes(std::vector<std::byte>(1 << 20, std::byte{1})));
      if (future.ready()) {
        ++(future.try_get().error().code == ErrorCode::queue_full ? full : others);
      } else {
        future.detach();
      }
    });
    static_cast<void>(eventually([&] { return (most = std::max(most, resident_mib() - before)) > 1000; }, 6s));
  }
  EXPECT_GT(full, 0);
  EXPECT_EQ(others, 0);
  EXPECT_LT(most, 64 + 100) << "MiB";
  one.cancel();
  other.cancel();
  // What has left the queue counts no more: as much fits in again.
  EXPECT_TRUE(eventually([&] { return pool.stats().waiting == 0; }, 60s));
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(pool.call<edge_callers::size_of>(Bytes(std::vector<std::byte>(60 << 20))), std::uint64_t{60 << 20});
  }
}
#endif

TEST_F(Callers, WaitForIsAsPunctualAsSleepForBesideEightBusyThreads) {
  Host host(config("callers", [](PoolConfig& pool) { pool.max_concurrency = 8; }));
  const Pool pool = host.pool("p");
  auto held = pool.async<edge_callers::linger>(120'000);
  std::vector<Ms> waits;
  std::vector<Ms> sleeps;
  {
    const Again busy(8, [&] { static_cast<void>(pool.try_call<edge_callers::add>(1, 2)); });
    for (int i = 0; i < 200; ++i) {
      waits.push_back(timed("wait_for(5ms)", [&] { static_cast<void>(held.wait_for(5ms)); }));
      sleeps.push_back(timed("sleep_for(5ms)", [] { nap(); }));
    }
  }
  std::printf("wait_for(5ms): p90 %.2f p99 %.2f ms; sleep_for(5ms): p90 %.2f p99 %.2f ms\n", quantile(waits, 0.9),
              quantile(waits, 0.99), quantile(sleeps, 0.9), quantile(sleeps, 0.99));
  // The tail is the machine's, and this one runs other things beside the tests.
  EXPECT_LT(quantile(waits, 0.9), quantile(sleeps, 0.9) + 10);
  held.cancel();
}

TEST_F(Callers, AThreadOfTheLowestPriorityKeepsNobodyWaiting) {
  Host host(config("callers"));
  const Pool pool = host.pool("p");
  EXPECT_EQ(pool.call<edge_callers::add>(1, 2), 3);
  auto held = pool.async<edge_callers::linger>(300'000);
  std::atomic<pid_t> lowest{0};
  std::thread idle([&] {
    const sched_param none{};
    ASSERT_EQ(::pthread_setschedparam(::pthread_self(), SCHED_IDLE, &none), 0);
    lowest = ::gettid();
    static_cast<void>(held.try_get());
  });
  // Whoever waits first drives, and this one would not get that far beside the busy.
  ASSERT_TRUE(eventually([&] { return lowest != 0 && sleeps(lowest); }, 60s));
  std::vector<Ms> times;
  {
    const Again busy(4, [] {
      const auto end = Clock::now() + 1ms;
      while (Clock::now() < end) {
      }
    });
    for (int i = 0; i < 60; ++i) {
      // A moment in between: who waits longest is the first whom the kernel wakes.
      nap();
      times.push_back(timed("call()", [&] { static_cast<void>(pool.call<edge_callers::add>(1, 2)); }));
    }
  }
  std::printf("p50 %.1f p90 %.1f max %.1f ms\n", quantile(times, 0.5), quantile(times, 0.9), quantile(times, 1));
  EXPECT_LT(quantile(times, 0.9), 300);
  timed("the idle thread", [&] {
    held.cancel();
    idle.join();
  });
}

TEST_F(Callers, DurationsWithoutEndAreForEver) {
  Host host(config("callers"));
  Pool pool = host.pool("p");
  EXPECT_EQ(pool.call<edge_callers::add>(1, 2), 3);
  const auto waits = [&](auto wait) {
    auto future = pool.async<edge_callers::linger>(50);
    return wait(future);
  };
  using Hours = std::chrono::time_point<std::chrono::system_clock, std::chrono::hours>;
  EXPECT_TRUE(waits([](auto& future) { return future.wait_for(std::chrono::hours::max()); }));
  EXPECT_TRUE(waits([](auto& future) { return future.wait_for(std::chrono::duration<float>(1e30F)); }));
  EXPECT_TRUE(waits([](auto& future) { return future.wait_for(kForever); }));
  EXPECT_TRUE(waits([](auto& future) { return future.wait_until(Hours::max()); }));
  EXPECT_TRUE(waits([](auto& future) { return future.wait_until(Clock::time_point::max()); }));
  EXPECT_FALSE(waits([](auto& future) { return future.wait_for(std::chrono::hours::min()); }));
  EXPECT_FALSE(waits([](auto& future) { return future.wait_until(Hours::min()); }));
  EXPECT_EQ(pool.with({.timeout = std::chrono::hours::max()}).call<edge_callers::add>(1, 2), 3);
  EXPECT_EQ(pool.with({.timeout = std::chrono::hours::min()}).try_call<edge_callers::add>(1, 2).error().code,
            ErrorCode::invalid_argument);
  pool.expect(1, std::chrono::hours::max());
  EXPECT_TRUE(pool.drain(std::chrono::hours::max()));
}

TEST_F(Callers, PoolOptionsWithoutEndAreForEver) {
  Host host(config("callers", [](PoolConfig& pool) {
    pool.timeout = std::chrono::hours::max();
    pool.idle_shutdown_after = std::chrono::hours::max();
    pool.min_idle_shutdown_after = std::chrono::hours::max();
  }));
  EXPECT_EQ(host.pool("p").call<edge_callers::add>(1, 2), 3);
  const auto refused = error_of(
      [&] { Host(config("callers", [](PoolConfig& pool) { pool.boot_timeout = std::chrono::hours::max(); })); });
  EXPECT_NE(refused.message.find("boot_timeout: must not be infinite"), std::string::npos) << refused.message;
}

}  // namespace
}  // namespace flame::test
