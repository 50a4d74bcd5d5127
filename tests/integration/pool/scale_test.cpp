// Many runners and calls at once, with real processes.
#include <fstream>
#include <set>

#include <gtest/gtest.h>

#include "tests/support/pool_test.hpp"

namespace flame::test {
namespace {

using namespace std::chrono_literals;

class Scale : public PoolTest {
 protected:
  static constexpr std::uint32_t kRunners = 20;
  static constexpr std::uint32_t kSlots = 100;
  static constexpr std::uint32_t kCalls = kRunners * kSlots;

  /// Proportional set sizes of all processes below this one, in bytes.
  static std::uint64_t memory_of_descendants() {
    std::uint64_t kilobytes = 0;
    for (const pid_t pid : descendants(::getpid())) {
      std::ifstream rollup("/proc/" + std::to_string(pid) + "/smaps_rollup");
      for (std::string word; rollup >> word;) {
        if (word != "Pss:") continue;
        std::uint64_t value = 0;
        rollup >> value;
        kilobytes += value;
        break;
      }
    }
    return kilobytes * 1024;
  }

  void all_slots_at_once(SlotIsolation isolation) {
    Host host = make_host([&](PoolConfig& pool) {
      pool.max = kRunners;
      pool.max_concurrency = kSlots;
      pool.isolation = isolation;
      pool.boot_timeout = 60s;
      pool.timeout = 120s;
    });
    const Pool pool = host.pool("work");
    const auto begin = Clock::now();
    std::vector<Future<std::string>> calls;
    for (std::uint32_t i = 0; i < kCalls; ++i) calls.push_back(pool.async<pool_tasks::wait>(file("all")));
    // Every one of them runs at the same moment; one more has to wait.
    ASSERT_TRUE(eventually([&] { return pool.stats().slots_busy == kCalls; }, 60s));
    EXPECT_EQ(pool.stats().runners, kRunners);
    auto one_more = pool.async<pool_tasks::add>(1, 2);
    EXPECT_EQ(pool.stats().waiting, 1U);
    const std::uint64_t memory = memory_of_descendants();
    go("all");
    std::map<std::string, std::uint32_t> per_runner;
    for (auto& call : calls) ++per_runner[call.get()];
    EXPECT_EQ(one_more.get(), 3);
    std::printf("%u calls on %u runners in %.1f s, %llu MiB\n", kCalls, kRunners,
                std::chrono::duration<double>(Clock::now() - begin).count(),
                static_cast<unsigned long long>(memory >> 20));
    EXPECT_EQ(per_runner.size(), kRunners);
    for (const auto& [runner, count] : per_runner) EXPECT_EQ(count, kSlots) << runner;
    const PoolStats stats = pool.stats();
    EXPECT_EQ(stats.boots, kRunners);
    EXPECT_EQ(stats.failed + stats.runners_lost + stats.retried, 0U);
    EXPECT_LT(memory, std::uint64_t{4} << 30);
  }
};

#ifndef FLAME_TEST_SLOW
TEST_F(Scale, TwentyRunnersServeTwoThousandCallsAtOnceInProcesses) {
  all_slots_at_once(SlotIsolation::process);
}
#endif

TEST_F(Scale, TwentyRunnersServeTwoThousandCallsAtOnceInThreads) {
  all_slots_at_once(SlotIsolation::thread);
}

}  // namespace
}  // namespace flame::test
