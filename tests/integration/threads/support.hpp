// A pool for one of the plugins in plugins/threads/, and what many calls of it cost.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include <flame/host.hpp>

#include "plugins/threads/threads.hpp"
#include "tests/support/leftovers.hpp"
#include "tests/support/one_pool.hpp"

namespace flame::test {

using namespace std::chrono_literals;

class ThreadsTest : public LeftoversTest {
 protected:
  static Host host_of(const std::string& plugin, std::map<std::string, std::string> env = {}) {
    return Host(one_pool("p", FLAME_TEST_PLUGINS, {plugin + "@1"}, 1, [&](PoolConfig& pool) {
      pool.timeout = 60s;
      pool.env = std::move(env);
    }));
  }

  /// `calls` calls after a first one, each of which gives a Report with `value`: they use at most `processes` slots
  /// (two where all stay: the spare is newer than the first, and may serve),
  /// and the fastest tenth costs at most kBeyond more than its work. (A new slot for each call costs 20 ms and more;
  /// what a busy machine adds is not the slots'.)
  template <class Call>
  static void expect_kept(Call call, double value, std::size_t processes = 3, int calls = 60) {
    constexpr auto kBeyond = 10ms;
    static_cast<void>(call());
    std::set<std::int64_t> used;
    std::vector<std::chrono::nanoseconds> beyond;
    for (int i = 0; i < calls; ++i) {
      const auto begin = std::chrono::steady_clock::now();
      const threads::Report report = call();
      beyond.push_back(std::chrono::steady_clock::now() - begin - std::chrono::nanoseconds(report.took_ns));
      ASSERT_EQ(report.value, value) << "call " << i;
      used.insert(report.process);
    }
    EXPECT_LE(used.size(), processes);
    std::ranges::sort(beyond);
    RecordProperty("p50_beyond_us", static_cast<int>(beyond[beyond.size() / 2] / 1us));
    EXPECT_LE(beyond[beyond.size() / 10], kBeyond);
  }
};

}  // namespace flame::test
