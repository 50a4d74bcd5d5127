// A pool and its runners in thousands of simulated worlds. FLAME_SIM_SEEDS=100000 runs more of them, FLAME_SIM_SEED=17
// one of them, with every event on stderr.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "tests/sim/world.hpp"

namespace flame::sim {
namespace {

constexpr std::uint64_t kShards = 4;  // so that they run beside each other
constexpr std::uint64_t kSeeds = 4000;

#ifdef FLAME_TEST_SLOW  // a world takes more than a second there
constexpr std::uint64_t kTwice = 5;
#else
constexpr std::uint64_t kTwice = 50;
#endif

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::stoull(text);
}

class Simulations : public testing::TestWithParam<std::uint64_t> {};

TEST_P(Simulations, KeepsEveryPromiseInEachWorld) {
  const std::uint64_t one = from_environment("FLAME_SIM_SEED", 0);
  const std::uint64_t seeds = from_environment("FLAME_SIM_SEEDS", kSeeds);
  std::uint64_t failed = 0;
  for (std::uint64_t seed = GetParam(); one == 0 && seed <= seeds && failed < 5; seed += kShards) {
    const Report report = World(seed).run();
    if (report.broken.empty()) continue;
    ++failed;
    ADD_FAILURE() << "seed " << seed << " at " << report.broken.front() << "\n  FLAME_SIM_SEED=" << seed
                  << " build-dev/bin/sim_test shows every event on the way there";
  }
  if (one % kShards != GetParam() % kShards || one == 0) return;
  const Report report = World(one, true).run();
  EXPECT_TRUE(report.broken.empty()) << report.broken.front();
}

TEST(Simulation, IsTheSameWheneverItIsRun) {
  for (std::uint64_t seed = 1; seed <= kTwice; ++seed) {
    const Report first = World(seed).run();
    const Report second = World(seed).run();
    EXPECT_EQ(first.steps, second.steps) << "seed " << seed;
    EXPECT_EQ(first.fingerprint, second.fingerprint) << "seed " << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(Shards, Simulations, testing::Range<std::uint64_t>(1, kShards + 1));

}  // namespace
}  // namespace flame::sim
