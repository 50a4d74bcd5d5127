// A decision for 1,000 runners with 100 slots each and 100,000 calls that wait costs what it costs with 10 runners: of
// the code as users run it, for what a sanitizer adds is not ours to hold.
#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>

#include "tools/flame/bench/loaded_pool.hpp"

namespace flame::sim {
namespace {

using bench::LoadedPool;

constexpr std::uint32_t kSlots = 100;
constexpr std::uint64_t kQueued = 100'000;

double processor_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

double cost_of(LoadedPool& pool) {
  constexpr int kTurns = 5000;
  const double begin = processor_seconds();
  for (int i = 0; i < kTurns; ++i) pool.turn();
  return (processor_seconds() - begin) / kTurns;
}

/// The lowest of several, taken in turns: what else this machine does raises a figure, never lowers it.
double ratio(LoadedPool few, LoadedPool many) {
  double lowest_few = cost_of(few);
  double lowest_many = cost_of(many);
  for (int round = 0; round < 7; ++round) {
    lowest_few = std::min(lowest_few, cost_of(few));
    lowest_many = std::min(lowest_many, cost_of(many));
  }
  return lowest_many / lowest_few;
}

// A scan over runners would cost 100 times as much; about 1 was measured.
constexpr double kMost = 3;

/// With as many slots and calls in all: more of those cost the processor's caches, however few the runners.
double ratio_of_many_runners_to_few(std::uint64_t calls) {
  return ratio({10, 100 * kSlots, calls}, {1000, kSlots, calls});
}

TEST(ScaleCost, ADecisionCostsTheSameWithAHundredTimesAsManyRunnersWhileCallsWait) {
  EXPECT_LT(ratio_of_many_runners_to_few(1000 * kSlots + kQueued), kMost);
}

TEST(ScaleCost, ADecisionCostsTheSameWithAHundredTimesAsManyRunnersWhileSlotsAreFree) {
  EXPECT_LT(ratio_of_many_runners_to_few(1000 * kSlots / 2), kMost);
}

TEST(ScaleCost, ADecisionCostsTheSameWithAHundredTimesAsManyWaitingCalls) {
  EXPECT_LT(ratio({10, kSlots, 10 * kSlots + kQueued / 100}, {10, kSlots, 10 * kSlots + kQueued}), kMost);
}

}  // namespace
}  // namespace flame::sim
