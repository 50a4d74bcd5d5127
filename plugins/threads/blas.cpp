// OpenBLAS makes its threads when it is loaded, so slots would be exec'd one by one. With OPENBLAS_NUM_THREADS = "1" in
// the pool's env it makes none, slots are forked, and each makes its own here.
#include <cblas.h>

#include <vector>

#include <flame/plugin.hpp>

#include "plugins/threads/threads.hpp"

namespace threads_blas {

threads::Report multiply(std::int32_t n) {
  const auto size = static_cast<std::size_t>(n);
  const std::vector<double> ones(size * size, 1.0);
  std::vector<double> product(size * size);
  return threads::measured([&] {
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, n, n, 1.0, ones.data(), n, ones.data(), n, 0.0,
                product.data(), n);
    return product.front();
  });
}

static void start_slot() {
  openblas_set_num_threads(4);
}

}  // namespace threads_blas

FLAME_PLUGIN("threads_blas", "1.0.0", p) {
  p.start_slot<threads_blas::start_slot>();
  p.task<threads_blas::multiply>();
}
