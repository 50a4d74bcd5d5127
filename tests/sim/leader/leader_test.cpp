// The real lead under simulated threads: by seed, and every order of few threads to a bound.
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/sim/leader/world.hpp"

namespace flame::sim {
namespace {

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

TEST(SimulatedSeat, KeepsItsRulesInWorldsBySeed) {
  const std::uint64_t one = from_environment("FLAME_SIM_SEED", 0);
  const std::uint64_t first = one == 0 ? 1 : one;
  const std::uint64_t last = one == 0 ? from_environment("FLAME_SIM_SEEDS", 4'000) : one;
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    SeededChooser chooser(seed);
    ASSERT_EQ(LeaderWorld(LeaderPlan::from(seed), seed, chooser).run(), "") << "FLAME_SIM_SEED=" << seed;
  }
}

void run_every_order(const LeaderPlan& plan, unsigned preemptions) {
  ExhaustiveChooser chooser(preemptions);
  std::uint64_t orders = 0;
  for (; orders < 8'000 && chooser.next(); ++orders) {
    ASSERT_EQ(LeaderWorld(plan, 1, chooser).run(), "") << "order " << orders;
  }
  std::printf("%llu orders\n", static_cast<unsigned long long>(orders));
}

TEST(SimulatedSeat, KeepsItsRulesInEveryOrderOfOneCaller) {
  run_every_order({.callers = 1, .calls = 1}, 2);
}

TEST(SimulatedSeat, KeepsItsRulesInEveryOrderOfTwoCallers) {
  run_every_order({.callers = 2, .calls = 1}, 1);
}

TEST(SimulatedSeat, KeepsItsRulesInEveryOrderOfAnEarlyEnd) {
  run_every_order({.callers = 1, .calls = 1, .ends_early = true}, 2);
}

}  // namespace
}  // namespace flame::sim
