// See pipeline.hpp.
#include "runner/policy/pipeline.hpp"

namespace flame::runner {

std::vector<Pipeline::Slow> Pipeline::take_slow(Instant now) {
  std::vector<Slow> slow;
  for (; !waits_.empty() && now >= waits_.front().due; waits_.pop_front()) slow.push_back(waits_.front().slow);
  return slow;
}

}  // namespace flame::runner
