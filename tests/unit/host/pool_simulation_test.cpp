// PoolPolicy in a random world: a few hundred seeds, the same invariants after every event.
#include <gtest/gtest.h>

#include "tests/unit/host/pool_world.hpp"

namespace flame::pool {
namespace {

TEST(PoolSimulation, KeepsItsPromisesInFourHundredRandomWorlds) {
  std::uint64_t succeeded = 0;
  std::uint64_t retried = 0;
  std::uint64_t lost = 0;
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    PoolWorld world(seed);
    for (int step = 0; step < 600; ++step) world.step();
    world.finish();
    ASSERT_TRUE(world.violations().empty()) << "seed " << seed << ", " << world.violations().front();
    succeeded += world.stats().succeeded;
    retried += world.stats().retried;
    lost += world.stats().runners_lost;
  }
  // The worlds are worth their name only if these things happen in them.
  EXPECT_GT(succeeded, 1000u);
  EXPECT_GT(retried, 100u);
  EXPECT_GT(lost, 100u);
}

}  // namespace
}  // namespace flame::pool
