// A hundred changes of version under full load: nothing is lost, nothing is served by a version that was replaced.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <future>
#include <iostream>
#include <random>
#include <thread>

#include "tests/integration/swap/swap_test.hpp"

namespace flame::test::swap_load_test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr int kCallers = 8;
#ifdef FLAME_TEST_SLOW
constexpr int kSwaps = 20;
#else
constexpr int kSwaps = 100;
#endif

double seconds(Duration time) {
  return std::chrono::duration<double>(time).count();
}

struct Setting {
  const char* name;
  SlotIsolation isolation;
  const char* listen;
};

class SwapLoad : public SwapTest, public testing::WithParamInterface<Setting> {
 protected:
  SwapLoad() {
    add("1.0.0");
    add("1.1.0");
  }
  [[nodiscard]] HostConfig loaded() const {
    HostConfig config = this->config("swap@1", [](PoolConfig& pool) {
      pool.max_concurrency = kCallers;
      pool.isolation = GetParam().isolation;
    });
    config.listen = {GetParam().listen};
    return config;
  }
};

// Eight threads that call and call; each call knows which version was active when it was begun.
class Callers {
 public:
  explicit Callers(Pool pool) : pool_(std::move(pool)) {
    for (int i = 0; i < kCallers; ++i) threads_.emplace_back([this] { run(); });
  }
  ~Callers() {
    over_ = true;
    for (std::thread& thread : threads_) thread.join();
  }
  Callers(const Callers&) = delete;
  Callers& operator=(const Callers&) = delete;

  /// activate() has returned: every call that begins now is served by the versions of even (1.1.0) or odd numbers.
  void active(int swap) { swap_ = swap; }
  void changing() { swap_ = kChanging; }
  [[nodiscard]] std::uint64_t served() const { return served_; }
  [[nodiscard]] std::uint64_t failed() const { return failed_; }
  [[nodiscard]] std::uint64_t wrong() const { return wrong_; }
  [[nodiscard]] std::uint64_t untyped() const { return untyped_; }

  /// Waits for so many calls; how many a second they were.
  double rate_of(std::uint64_t calls) const {
    const std::uint64_t from = served_;
    const auto begin = Clock::now();
    EXPECT_TRUE(eventually([&] { return served_ >= from + calls; }, std::chrono::minutes(1)));  // how fast is not asked
    return static_cast<double>(served_ - from) / seconds(Clock::now() - begin);
  }

  static constexpr int kChanging = -1;

 private:
  void run() {
    while (!over_) {
      const int before = swap_;
      try {
        const std::string version = pool_.call<swap::version>();
        ++served_;
        // Changes that began meanwhile allow either.
        if (before != kChanging && swap_ == before && version != (before % 2 == 0 ? "1.1.0" : "1.0.0")) ++wrong_;
      } catch (const CallError& error) {
        ++failed_;
        if (error.error().code != ErrorCode::crashed && error.error().code != ErrorCode::runner_lost) ++untyped_;
      }
    }
  }

  Pool pool_;
  std::atomic<bool> over_{false};
  std::atomic<int> swap_{kChanging};
  std::atomic<std::uint64_t> served_{0};
  std::atomic<std::uint64_t> failed_{0};
  std::atomic<std::uint64_t> wrong_{0};
  std::atomic<std::uint64_t> untyped_{0};
  std::vector<std::thread> threads_;
};

std::string version_of(int swap) {
  return swap % 2 == 0 ? "swap@1.1.0" : "swap@1.0.0";
}

// KiB of this process and of what it has started, what they share counted once.
std::uint64_t memory() {
  std::set<pid_t> all = descendants(::getpid());
  all.insert(::getpid());
  std::uint64_t sum = 0;
  for (const pid_t pid : all) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/smaps_rollup");
    for (std::string word; file >> word;) {
      std::uint64_t pss = 0;
      if (word == "Pss:" && file >> pss) sum += pss;
    }
  }
  return sum;
}

// One generation, its slots and one spare.
bool is_settled() {
  return eventually([] { return descendants(::getpid()).size() <= 2 + 1 + kCallers + 1 + 1; });
}

TEST_P(SwapLoad, MemoryStaysAsItIs) {
  Host host(loaded());
  const Pool pool = host.pool("work");
  pool.call<swap::version>();
  const auto swap_under_load = [&](int swaps) {
    Callers callers(pool);
    for (int swap = 0; swap < swaps; ++swap) {
      host.activate(version_of(swap));
      callers.rate_of(2 * kCallers);
    }
    EXPECT_EQ(callers.failed(), 0U);
  };
  swap_under_load(kSwaps / 2);  // its caches fill, its slots reach their number
  EXPECT_TRUE(is_settled());
  const std::uint64_t before = memory();
  swap_under_load(kSwaps);
  EXPECT_TRUE(is_settled());
  const std::uint64_t after = memory();
  std::cout << before << " KiB before, " << after << " KiB after\n";
#ifndef FLAME_TEST_SLOW  // a sanitizer keeps what was freed
  EXPECT_LE(after, before + 8 * 1024);
#endif
}

TEST_P(SwapLoad, AHundredSwapsLoseNoCallAndLeaveNothing) {
  Host host(loaded());
  const Pool pool = host.pool("work");
  pool.call<swap::version>();
  host.activate("swap@1.0.0");
  double quiet = 0;  // calls a second
  {
    Callers callers(pool);
    quiet = callers.rate_of(2000);
    EXPECT_EQ(callers.failed(), 0U);
  }
  const std::size_t descriptors = open_descriptors(getpid()).size();
  Callers callers(pool);
  const auto begin = Clock::now();
  Duration changing{};
  for (int swap = 0; swap < kSwaps; ++swap) {
    callers.changing();
    const auto asked = Clock::now();
    host.activate(version_of(swap));
    changing += Clock::now() - asked;
    callers.active(swap);
    callers.rate_of(2 * kCallers);
  }
  const double rate = static_cast<double>(callers.served()) / seconds(Clock::now() - begin);
  EXPECT_EQ(callers.failed(), 0U);
  EXPECT_EQ(callers.wrong(), 0U);
  std::cout << "calls of those without swaps: " << rate / quiet << "; a swap takes "
            << 1000 * seconds(changing) / kSwaps << " ms\n";
  EXPECT_EQ(pool.stats().boots, 1U);
  EXPECT_LE(open_descriptors(getpid()).size(), descriptors + 2);
  EXPECT_TRUE(is_settled()) << descendants(::getpid()).size();
}

TEST_P(SwapLoad, WhatIsKilledMeanwhileCostsOnlyTheCallsThatRanThere) {
  Host host(loaded());
  const Pool pool = host.pool("work");
  pool.call<swap::version>();
  std::mt19937 random(7);
  Callers callers(pool);
  for (int swap = 0; swap < kSwaps / 5; ++swap) {
    callers.changing();
    // The change may fail with the runner; then it is made again.
    for (bool done = false; !done;)
      done = error_of([&] {
               host.activate(version_of(swap));
               return 0;
             }).code == ErrorCode::none;
    callers.active(swap);
    const std::set<pid_t> all = descendants(::getpid());
    if (all.empty()) continue;
    ::kill(*std::next(all.begin(), static_cast<std::ptrdiff_t>(random() % all.size())), SIGKILL);
  }
  EXPECT_EQ(callers.wrong(), 0U);
  EXPECT_EQ(callers.untyped(), 0U);
  EXPECT_TRUE(eventually([&] { return error_of([&] { return pool.call<swap::version>(); }).code == ErrorCode::none; }));
}

TEST_P(SwapLoad, ARunnerThatIsStoppedMeanwhileIsWaitedFor) {
  Host host(loaded());
  const Pool pool = host.pool("work");
  const pid_t supervisor = parent_of(static_cast<pid_t>(pool.call<swap::process>()));
  ASSERT_GT(supervisor, 1);
  ASSERT_EQ(::kill(supervisor, SIGSTOP), 0);
  auto change = std::async(std::launch::async, [&] { return host.activate("swap@1.0.0"); });
  EXPECT_EQ(change.wait_for(200ms), std::future_status::timeout);
  ASSERT_EQ(::kill(supervisor, SIGCONT), 0);
  EXPECT_EQ(change.get().switched.size(), 1U);
  EXPECT_EQ(pool.call<swap::version>(), "1.0.0");
}

INSTANTIATE_TEST_SUITE_P(Everywhere, SwapLoad,
                         testing::Values(Setting{"ProcessesOverIpc", SlotIsolation::process, "ipc://auto"},
                                         Setting{"ProcessesOverTcp", SlotIsolation::process, "tcp://127.0.0.1:0"},
                                         Setting{"ThreadsOverIpc", SlotIsolation::thread, "ipc://auto"},
                                         Setting{"ThreadsOverTcp", SlotIsolation::thread, "tcp://127.0.0.1:0"}),
                         [](const auto& setting) { return std::string(setting.param.name); });

}  // namespace
}  // namespace flame::test::swap_load_test
