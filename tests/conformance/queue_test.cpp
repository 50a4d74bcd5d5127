// FLAME's test/queue_test.exs, as callers see it: who is served next. The number above each test is that of README.md.
#include <gmock/gmock.h>

#include "tests/support/pool_test.hpp"

namespace flame::test {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

class QueueConformance : public PoolTest {
 protected:
  /// Waits for the only slot, then writes its name down.
  static Future<void> queue(const Pool& pool, const std::string& order, const std::string& name,
                            CallOptions options = {}) {
    const auto before = pool.stats().waiting;
    auto call = pool.with(std::move(options)).async<pool_tasks::note>(order, name);
    EXPECT_TRUE(eventually([&] { return pool.stats().waiting == before + 1; })) << name;
    return call;
  }
};

// 33, 34
TEST_F(QueueConformance, WaitersAreServedInTheOrderTheyCame) {
  Host host = make_host();
  const Pool pool = host.pool("work");
  auto busy = begin(pool, "busy");
  std::vector<Future<void>> calls;
  for (int i = 0; i < 10; ++i) calls.push_back(queue(pool, file("order"), std::to_string(i)));
  go("busy");
  for (auto& call : calls) call.get();
  EXPECT_THAT(lines_of("order"), ElementsAre("0", "1", "2", "3", "4", "5", "6", "7", "8", "9"));
}

// 36
TEST_F(QueueConformance, WaitersWhoseTimeHasPassedArePassedOver) {
  Host host = make_host();
  const Pool pool = host.pool("work");
  auto busy = begin(pool, "busy");
  auto first = queue(pool, file("order"), "first", {.timeout = 50ms});
  auto second = queue(pool, file("order"), "second", {.timeout = 60s});
  EXPECT_EQ(error_of([&] { first.get(); }).code, ErrorCode::queue_timed_out);
  go("busy");
  second.get();
  EXPECT_THAT(lines_of("order"), ElementsAre("second"));
}

// 39
TEST_F(QueueConformance, AWaiterThatLeavesChangesNothingForTheOthers) {
  Host host = make_host();
  const Pool pool = host.pool("work");
  auto busy = begin(pool, "busy");
  auto first = queue(pool, file("order"), "first");
  auto second = queue(pool, file("order"), "second");
  auto third = queue(pool, file("order"), "third");
  second.cancel();
  EXPECT_EQ(error_of([&] { second.get(); }).code, ErrorCode::cancelled);
  auto fourth = queue(pool, file("order"), "fourth");
  go("busy");
  for (auto* call : {&first, &third, &fourth}) call->get();
  EXPECT_THAT(lines_of("order"), ElementsAre("first", "third", "fourth"));
}

// 40
TEST_F(QueueConformance, CancellingWhatDoesNotWaitChangesNothing) {
  Host host = make_host();
  const Pool pool = host.pool("work");
  auto done = pool.async<pool_tasks::add>(1, 2);
  done.wait();
  auto busy = begin(pool, "busy");
  auto first = queue(pool, file("order"), "first");
  done.cancel();
  EXPECT_EQ(pool.stats().waiting, 1U);
  go("busy");
  first.get();
  EXPECT_EQ(done.get(), 3);
}

}  // namespace
}  // namespace flame::test
