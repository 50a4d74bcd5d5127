// A pool of 1,000 runners with 100 slots each and 100,000 calls that wait: it works.
#include <gtest/gtest.h>

#include "tools/flame/bench/loaded_pool.hpp"

namespace flame::sim {
namespace {

using bench::LoadedPool;

constexpr std::uint32_t kSlots = 100;
#ifdef FLAME_TEST_SLOW
constexpr std::uint64_t kQueued = 10'000;
#else
constexpr std::uint64_t kQueued = 100'000;
#endif

TEST(Scale, AThousandRunnersServeAHundredThousandWaitingCalls) {
  LoadedPool pool(1000, kSlots, 1000 * kSlots + kQueued);
  EXPECT_EQ(pool.stats().slots_busy, 1000U * kSlots);
  EXPECT_EQ(pool.stats().waiting, kQueued);
  for (std::uint64_t i = 0; i < kQueued; ++i) pool.turn();  // each that waited has its turn
  EXPECT_EQ(pool.stats().slots_busy, 1000U * kSlots) << "no slot is idle while somebody waits";
  EXPECT_EQ(pool.stats().succeeded, kQueued);
  EXPECT_EQ(pool.stats().waiting, kQueued);
}

}  // namespace
}  // namespace flame::sim
