// Libraries with threads, handlers and processes of their own: their slots serve call after call.
#include <map>

#include "tests/integration/threads/support.hpp"

namespace flame::test {
namespace {

constexpr std::int64_t kCount = 100'000;
constexpr double kSum = 100'000.0 * 100'001.0 / 2;

class LibrariesWithThreads : public ThreadsTest {};

#ifdef FLAME_TEST_OPENMP
TEST_F(LibrariesWithThreads, OpenMpKeepsItsThreads) {
  Host host = host_of("threads_openmp");
  const Pool pool = host.pool("p");
  expect_kept([&] { return pool.call<threads_openmp::sum>(kCount); }, kSum);
}

TEST_F(LibrariesWithThreads, OpenMpThatSpinsBetweenRegionsIsNotTakenForComputing) {
  Host host = host_of("threads_openmp", {{"GOMP_SPINCOUNT", "30000000"}});
  const Pool pool = host.pool("p");
  expect_kept([&] { return pool.call<threads_openmp::sum>(kCount); }, kSum);
}
#endif

TEST_F(LibrariesWithThreads, TbbKeepsItsThreads) {
  Host host = host_of("threads_tbb");
  const Pool pool = host.pool("p");
  expect_kept([&] { return pool.call<threads_tbb::sum>(kCount); }, kSum);
}

TEST_F(LibrariesWithThreads, OpenBlasIsForkedAndMakesItsThreadsInEachSlot) {
  Host host = host_of("threads_blas", {{"OPENBLAS_NUM_THREADS", "1"}});
  const Pool pool = host.pool("p");
  expect_kept([&] { return pool.call<threads_blas::multiply>(128); }, 128);
}

TEST_F(LibrariesWithThreads, OpenBlasAsItIsRunsInSlotsThatAreExecd) {
  Host host = host_of("threads_blas");
  const Pool pool = host.pool("p");
  expect_kept([&] { return pool.call<threads_blas::multiply>(128); }, 128);
}

TEST_F(LibrariesWithThreads, APoolInAFunctionLocalStaticKeepsItsThreads) {
  Host host = host_of("threads_own_pool");
  const Pool pool = host.pool("p");
  expect_kept([&] { return pool.call<threads_own_pool::sum>(kCount); }, kSum);
}

TEST_F(LibrariesWithThreads, ASegmentationFaultHandlerOfStartIsTheOneThatRuns) {
  Host host = host_of("threads_signals");
  const Pool pool = host.pool("p");
  expect_kept([&] { return pool.call<threads_signals::touch_protected_pages>(16); }, 16, 2);
}

TEST_F(LibrariesWithThreads, AHelperProcessOfStartSlotStays) {
  Host host = host_of("threads_helper");
  const Pool pool = host.pool("p");
  expect_kept([&] { return pool.call<threads_helper::ask_helper>(42); }, 42, 2);
}

}  // namespace
}  // namespace flame::test
