// How figures are taken: rounds of the figure alternate with rounds of a reference, so that a busy machine slows both.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace flame::bench {

using Clock = std::chrono::steady_clock;

/// How long one round lasts.
inline constexpr std::chrono::milliseconds kRound{500};

[[nodiscard]] double seconds_since(Clock::time_point begin);

/// The value below which `share` of the samples lie; NaN without samples.
[[nodiscard]] double quantile(std::vector<double> samples, double share);
[[nodiscard]] double median(std::vector<double> samples);

/// Takes samples, in seconds, for this long.
using SampleRound = std::function<std::vector<double>(Clock::duration)>;
/// A rate per second, measured for this long.
using RateRound = std::function<double(Clock::duration)>;

struct Comparison {
  double figure = 0;     ///< median over the rounds
  double reference = 0;  ///< the same of the reference
  double ratio = 0;      ///< median of the per-round ratios figure / reference
  double lowest = 0;     ///< of those ratios
  double highest = 0;
};

/// Alternates `rounds` rounds of half a second each of reference and figure. Samples count with their median.
[[nodiscard]] Comparison compare_latency(int rounds, const SampleRound& reference, const SampleRound& figure);
[[nodiscard]] Comparison compare_rate(int rounds, const RateRound& reference, const RateRound& figure);

/// Processor time that the hypervisor gave to others since construction.
class StealMeter {
 public:
  StealMeter();
  /// Share of all processor time, 0 to 100; 0 when /proc/stat does not tell.
  [[nodiscard]] double percent() const;

 private:
  double steal_;
  double total_;
};

}  // namespace flame::bench
