// When one build is worse than another: the rule for every "no worse".
#pragma once

#include <cstdint>
#include <vector>

namespace flame::bench {

/// A row is worse if the median of the paired ratios is above this, and their interval leaves out 1.
inline constexpr double kWorseAbove = 1.03;

/// What the ratios of paired rounds say; each is cost here / cost there, measured right after one another.
struct Verdict {
  double median = 0;
  double low = 0;  ///< the bootstrap's 95 % interval of the median
  double high = 0;
  bool worse = false;   ///< median > kWorseAbove and low > 1
  bool better = false;  ///< the same the other way round: median < 1 / kWorseAbove and high < 1
};

/// Pure: the same ratios and seed give the same verdict. Ratios that are no positive numbers make a round worth
/// nothing; without any other ratio all figures are NaN, and the verdict is worse: what cannot be measured is not "no
/// worse".
[[nodiscard]] Verdict judge(const std::vector<double>& ratios, std::uint64_t seed = 1);

}  // namespace flame::bench
