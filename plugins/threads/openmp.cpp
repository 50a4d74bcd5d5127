// OpenMP: nothing to do. The threads of the first parallel region stay with the slot and serve those of later calls.
#include <flame/plugin.hpp>

#include "plugins/threads/threads.hpp"

namespace threads_openmp {

threads::Report sum(std::int64_t n) {
  return threads::measured([n] {
    double total = 0;
#pragma omp parallel for reduction(+ : total) num_threads(4)
    for (std::int64_t i = 1; i <= n; ++i) total += static_cast<double>(i);
    return total;
  });
}

}  // namespace threads_openmp

FLAME_PLUGIN("threads_openmp", "1.0.0", p) {
  p.task<threads_openmp::sum>();
}
