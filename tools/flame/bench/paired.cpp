// Percentile bootstrap of a median.
#include "tools/flame/bench/paired.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <random>

namespace flame::bench {
namespace {

constexpr int kResamples = 10'000;
constexpr double kTail = 0.025;

// Of an even number the middle of both, or a sample of four would have the third as its median.
double middle_of(std::vector<double>& sorted) {
  std::sort(sorted.begin(), sorted.end());
  const std::size_t half = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

}  // namespace

Verdict judge(const std::vector<double>& ratios, std::uint64_t seed) {
  std::vector<double> good;
  std::copy_if(ratios.begin(), ratios.end(), std::back_inserter(good),
               [](double ratio) { return std::isfinite(ratio) && ratio > 0; });
  if (good.empty()) {
    constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
    return {.median = kNone, .low = kNone, .high = kNone, .worse = true};
  }
  std::mt19937_64 random(seed);
  std::vector<double> medians;
  std::vector<double> sample(good.size());
  for (int i = 0; i < kResamples; ++i) {
    // Not uniform_int_distribution, whose choice differs between libraries; the bias of % is far below 1e-15 here.
    for (double& value : sample) value = good[random() % good.size()];
    medians.push_back(middle_of(sample));
  }
  std::sort(medians.begin(), medians.end());
  const auto tail = static_cast<std::size_t>(kTail * kResamples);
  Verdict verdict{.median = middle_of(good), .low = medians[tail], .high = medians[medians.size() - 1 - tail]};
  verdict.worse = verdict.median > kWorseAbove && verdict.low > 1;
  verdict.better = verdict.median < 1 / kWorseAbove && verdict.high < 1;
  return verdict;
}

}  // namespace flame::bench
