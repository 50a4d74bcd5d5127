// Figure of the pool's policy alone: what a decision costs with many runners, against few.
#include <fmt/format.h>

#include <memory>

#include "tools/flame/bench/figures.hpp"
#include "tools/flame/bench/loaded_pool.hpp"

namespace flame::bench {
namespace {

// As many slots and calls on either side: a pool with a hundredth of the calls is faster because it fits into the
// processor's cache (1.1 us against 2.1 us), and that is not the number of runners.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)  // it takes a minute to fill it, and no figure counts
constexpr std::uint32_t kSlots = 10'000;
#else
constexpr std::uint32_t kSlots = 100'000;
#endif
constexpr std::uint32_t kFew = 10;
constexpr std::uint32_t kMany = 1000;
constexpr std::uint64_t kQueued = kSlots;
constexpr int kTurns = 1000;  // per sample: one turn is shorter than reading the clock

SampleRound turns_of(LoadedPool& pool) {
  return [&pool](Clock::duration time) {
    std::vector<double> samples;
    for (const auto begin = Clock::now(); Clock::now() - begin < time;) {
      const auto start = Clock::now();
      for (int i = 0; i < kTurns; ++i) pool.turn();
      samples.push_back(seconds_since(start) / kTurns);
    }
    return samples;
  };
}

Figure decision(const BenchOptions& options, const std::string& name, std::uint64_t calls) {
  LoadedPool few(kFew, kSlots / kFew, calls);
  LoadedPool many(kMany, kSlots / kMany, calls);
  const Comparison cost = compare_latency(options.rounds(), turns_of(few), turns_of(many));
  return {.name = name,
          .value = cost.ratio,
          .unit = "x",
          .goal = 1.5,
          .comparison = cost,
          .note = fmt::format("{:.2f} us against {:.2f} us per call with the slots on {} runners", cost.figure * 1e6,
                              cost.reference * 1e6, kFew)};
}

constexpr const char* kWaiting = "decision, 1,000 runners, 100,000 calls wait";
constexpr const char* kHalfBusy = "decision, 1,000 runners, half of their slots busy";

std::vector<Figure> decisions(const BenchOptions& options) {
  return {decision(options, kWaiting, kSlots + kQueued), decision(options, kHalfBusy, kSlots / 2)};
}

Bout decision_bout(const char* name, std::uint64_t calls) {
  const auto pool = std::make_shared<LoadedPool>(kMany, kSlots / kMany, calls);
  return {.name = name, .round = [pool] { return median(turns_of(*pool)(kRound)); }};
}

std::vector<Bout> decision_bouts(const BenchOptions&) {
  return {decision_bout(kWaiting, kSlots + kQueued), decision_bout(kHalfBusy, kSlots / 2)};
}

}  // namespace

std::vector<Measurement> policy_measurements() {
  return {{"scheduler", decisions, decision_bouts}};
}

}  // namespace flame::bench
