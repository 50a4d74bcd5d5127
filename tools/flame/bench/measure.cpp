// Medians, alternating rounds, steal time.
#include "tools/flame/bench/measure.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <utility>

namespace flame::bench {
namespace {

using namespace std::chrono_literals;

constexpr int kStealColumn = 7;  // of /proc/stat's first line, after "cpu"

std::pair<double, double> processor_times() {
  std::ifstream stat("/proc/stat");
  std::string label;
  stat >> label;
  double steal = 0;
  double total = 0;
  double value = 0;
  // The eight columns up to steal; guest times, which follow, are part of user time already.
  for (int column = 0; column <= kStealColumn && stat >> value; ++column) {
    total += value;
    if (column == kStealColumn) steal = value;
  }
  return {steal, total};
}

Comparison summary(const std::vector<double>& references, const std::vector<double>& figures) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < figures.size(); ++i) ratios.push_back(figures[i] / references[i]);
  return {.figure = median(figures),
          .reference = median(references),
          .ratio = median(ratios),
          .lowest = *std::min_element(ratios.begin(), ratios.end()),
          .highest = *std::max_element(ratios.begin(), ratios.end())};
}

}  // namespace

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

double quantile(std::vector<double> samples, double share) {
  if (samples.empty()) return std::numeric_limits<double>::quiet_NaN();
  const auto index = static_cast<std::size_t>(std::floor(share * static_cast<double>(samples.size() - 1) + 0.5));
  std::nth_element(samples.begin(), samples.begin() + static_cast<std::ptrdiff_t>(index), samples.end());
  return samples[index];
}

double median(std::vector<double> samples) {
  return quantile(std::move(samples), 0.5);
}

Comparison compare_latency(int rounds, const SampleRound& reference, const SampleRound& figure) {
  return compare_rate(
      rounds, [&](Clock::duration time) { return median(reference(time)); },
      [&](Clock::duration time) { return median(figure(time)); });
}

Comparison compare_rate(int rounds, const RateRound& reference, const RateRound& figure) {
  std::vector<double> references;
  std::vector<double> figures;
  for (int i = 0; i < rounds; ++i) {
    references.push_back(reference(kRound));
    figures.push_back(figure(kRound));
  }
  return summary(references, figures);
}

StealMeter::StealMeter() {
  std::tie(steal_, total_) = processor_times();
}

double StealMeter::percent() const {
  const auto [steal, total] = processor_times();
  return total > total_ ? 100 * (steal - steal_) / (total - total_) : 0;
}

}  // namespace flame::bench
