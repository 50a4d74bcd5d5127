// TBB: nothing to do. Its workers stay with the slot and sleep between calls.
#include <flame/plugin.hpp>

#include <tbb/blocked_range.h>
#include <tbb/global_control.h>
#include <tbb/parallel_reduce.h>

#include <functional>

#include "plugins/threads/threads.hpp"

namespace threads_tbb {

threads::Report sum(std::int64_t n) {
  return threads::measured([n] {
    const tbb::global_control four(tbb::global_control::max_allowed_parallelism, 4);
    const auto add = [](const tbb::blocked_range<std::int64_t>& range, double total) {
      for (std::int64_t i = range.begin(); i != range.end(); ++i) total += static_cast<double>(i);
      return total;
    };
    return tbb::parallel_reduce(tbb::blocked_range<std::int64_t>(1, n + 1), 0.0, add, std::plus<>());
  });
}

}  // namespace threads_tbb

FLAME_PLUGIN("threads_tbb", "1.0.0", p) {
  p.task<threads_tbb::sum>();
}
