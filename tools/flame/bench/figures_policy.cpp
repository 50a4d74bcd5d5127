// Figure of the pool's policy alone: what a decision costs with many runners, against few.
#include <fmt/format.h>

#include "tools/flame/bench/figures.hpp"
#include "tools/flame/bench/loaded_pool.hpp"

namespace flame::bench {
namespace {

constexpr std::uint32_t kSlots = 100;
constexpr std::uint32_t kFew = 10;
constexpr std::uint32_t kMany = 1000;
constexpr std::uint64_t kQueued = 100'000;
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

Figure decision(const BenchOptions& options, const std::string& name, LoadedPool few, LoadedPool many) {
  const Comparison cost = compare_latency(options.rounds(), turns_of(few), turns_of(many));
  return {.name = name,
          .value = cost.ratio,
          .unit = "x",
          .goal = 2.0,
          .comparison = cost,
          .note = fmt::format("{:.2f} us against {:.2f} us per call with {} runners", cost.figure * 1e6,
                              cost.reference * 1e6, kFew)};
}

std::vector<Figure> decisions(const BenchOptions& options) {
  return {decision(options, "decision, 1,000 runners, 100,000 calls wait", {kFew, kSlots, kFew * kSlots + kQueued},
                   {kMany, kSlots, kMany * kSlots + kQueued}),
          decision(options, "decision, 1,000 runners, half of them busy", {kFew, kSlots, kFew * kSlots / 2},
                   {kMany, kSlots, kMany * kSlots / 2})};
}

}  // namespace

std::vector<Measurement> policy_measurements() {
  return {{"scheduler", decisions}};
}

}  // namespace flame::bench
